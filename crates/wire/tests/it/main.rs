//! Stories told of the wire: records sealed, opened, redacted, delivered and acknowledged.

mod sample;
mod sealing;
