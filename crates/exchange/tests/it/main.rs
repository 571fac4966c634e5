//! Stories told of the law: what is accepted, who gets it, and what is seen when somebody over-reaches.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod accounts;
mod agreements;
mod alerts;
mod alignment;
mod apart;
mod by_learner;
mod cases;
mod codes;
mod codes_carried;
mod crowd;
mod emergencies;
mod erasure;
mod evacuation;
mod evening;
mod evidence;
mod expected;
mod explains;
mod exports;
mod faults;
mod former;
mod matches;
mod messages;
mod moments;
mod nodes;
mod packs;
mod people;
mod placements;
mod policies;
mod progress;
mod proposals;
mod questions;
mod readiness;
mod reading;
mod recalls;
mod retention;
mod reused;
mod sending;
mod sources;
mod steps;
mod trials;
mod untold;
mod watches;
mod whereabouts;
mod world;
