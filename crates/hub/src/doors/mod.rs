//! The hub's three doors: agents (mTLS), joining (server-authenticated TLS), and a local port (plain HTTP, loopback).

pub(crate) mod accept;
pub(crate) mod agents;
pub(crate) mod connection;
pub(crate) mod identify;
pub(crate) mod join;
pub(crate) mod local;
pub(crate) mod tls;
mod who;
