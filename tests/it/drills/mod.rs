//! Drills: what happens on the days nobody wishes for.

mod amnesia;
mod clock;
mod disk;
mod power_cut;
