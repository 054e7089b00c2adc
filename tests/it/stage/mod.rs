//! The page: what it shows and what its buttons do, in a real browser; who may press, without one.

mod browser;
mod looks;
mod routes;
mod stories;
mod theatre;
