//! The limits of a vendor: quotas that others use up, refusals, outages, and many workers at once.

mod cast;
mod clock;
mod command;
pub(crate) mod crowd;
mod day;
mod day_crash;
mod day_edges;
mod day_refused;
mod outage;
mod quota;
mod refusals;
mod resume;
mod shared;
pub(crate) mod tap;
mod two_admins;
