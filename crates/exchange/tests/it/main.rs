//! Stories told of the law: what is accepted, who gets it, and what is seen when somebody over-reaches.

mod cases;
mod evidence;
mod nodes;
mod placements;
mod world;
