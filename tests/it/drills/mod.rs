//! Drills: what happens on the days nobody wishes for.

mod clock;
mod disk;
