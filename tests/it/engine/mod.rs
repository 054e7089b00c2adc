//! The engine on a real database, with a world that can be made to fail on order.

mod damage;
mod died;
mod effects;
mod forgotten;
mod holidays;
mod identity;
mod intake;
mod late;
mod opening;
mod queue;
mod reconcile;
mod replay;
mod rig;
mod scopes;
mod tiny;
mod watch;
mod words;
mod world;
