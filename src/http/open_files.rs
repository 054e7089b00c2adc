//! How many files this process may have open: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the process needs besides connections: the database, the log, calls to vendors.
const OTHERS: usize = 192;

/// Where even that is not granted, so many connections are served all the same.
const LEAST: usize = 16;

/// Room for `wanted` connections: raises the soft limit as far as it takes and the hard limit allows.
/// Returns how many connections there is room for, at most `wanted`.
pub fn room_for(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let needed = u64::try_from(wanted.saturating_add(OTHERS)).unwrap_or(u64::MAX);
    let granted = match (limit.current, limit.maximum) {
        (None, _) => return wanted,
        (Some(current), _) if current >= needed => return wanted,
        (Some(current), maximum) => {
            let raised = maximum.map_or(needed, |maximum| maximum.min(needed));
            let asked = Rlimit {
                current: Some(raised),
                maximum: limit.maximum,
            };
            match setrlimit(Resource::Nofile, asked) {
                Ok(()) => raised,
                Err(_) => current,
            }
        }
    };
    let room = usize::try_from(granted).unwrap_or(usize::MAX);
    room.saturating_sub(OTHERS).max(LEAST).min(wanted)
}
