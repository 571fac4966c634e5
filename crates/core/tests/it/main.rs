//! Stories told of the words.
