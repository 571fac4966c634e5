//! The policies as data managers would tell them, their faults, and the table of who may what.

mod table;
