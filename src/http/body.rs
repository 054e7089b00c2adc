//! Reading bodies: with a cap on their length, on the time they take, on how many arrive at once, and
//! on the memory they fill together.
//!
//! People: genuine *senders*, whose bodies are small and arrive in a packet or two; *strangers*, who
//! open many requests and let their bodies trickle. A body is read only of a request that got past
//! its path and its headers (`hooks`), but on a route that is signed a stranger gets that far too:
//! who signed is known when the body is whole.
//!
//! Rules:
//! - The minimum rate is asked for after [`GRACE`] windows: the last segment of a small body may be
//!   lost on the way, twice, and be a second and then two late. Whoever trickles is cut soon after.
//! - Slots and memory are counted per route: what happens on one costs the others nothing.
//! - Memory is counted as bytes arrive, never as they are announced.
//! - Where there is no slot or no memory left, the body that has been arriving for the longest time
//!   gives way: it is answered 503 and its sender repeats it. A genuine body arrives in milliseconds,
//!   so the oldest is a stranger's. A body that is whole does not give way any more.
//! - The cap counts bytes as they arrive, so a body that declares no length (chunked) or a false one
//!   is cut at the same place as an honest one. A body that is too long is read on for a while and
//!   thrown away: a sender that is still writing would else meet a reset and never see the 413.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::sync::Notify;
use tokio::time::{interval, timeout};

/// Windows at the beginning of a body in which nothing is asked of its rate.
const GRACE: u32 = 3;

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    /// Longer than the cap.
    TooLong,
    /// Not whole within the limit, or slower than the minimum rate.
    TooSlow,
    /// The connection or the encoding broke.
    CutOff,
    /// It had to give way to others.
    GaveWay,
}

/// How a body must arrive. Real time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// Whole within this time.
    pub whole: Duration,
    /// In each such time at least [`least`](Self::least) bytes, but for the first three.
    pub window: Duration,
    /// The minimum, in bytes.
    pub least: usize,
}

/// The bodies that arrive on one route, and those of which the requests are not answered yet.
#[derive(Debug)]
pub(super) struct Bodies {
    slots: usize,
    memory: usize,
    held: Mutex<HeldBodies>,
}

#[derive(Debug, Default)]
struct HeldBodies {
    next: u64,
    bytes: usize,
    /// By age.
    bodies: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    bytes: usize,
    /// Told to give way; `None` once the body is whole.
    arriving: Option<Arc<Notify>>,
}

impl HeldBodies {
    /// Lets the body that has been arriving for the longest time give way. Whether there was one.
    fn oldest_gives_way(&mut self) -> bool {
        let mut bodies = self.bodies.iter();
        let oldest = bodies.find_map(|(id, entry)| Some((*id, entry.arriving.clone()?)));
        let Some((id, told)) = oldest else {
            return false;
        };
        self.remove(id);
        told.notify_one();
        true
    }

    fn remove(&mut self, id: u64) {
        if let Some(entry) = self.bodies.remove(&id) {
            self.bytes -= entry.bytes;
        }
    }
}

impl Bodies {
    /// `slots` bodies at once, `memory` bytes together.
    pub(super) fn new(slots: usize, memory: usize) -> Self {
        Self {
            slots,
            memory,
            held: Mutex::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, HeldBodies> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A slot for a body that is about to arrive. `None` if all are taken by whole ones. Held until
    /// the request is answered: the cap is on bodies in memory, not on reads.
    pub(super) fn enter(&self) -> Option<Slot<'_>> {
        let mut held = self.held();
        if held.bodies.len() >= self.slots && !held.oldest_gives_way() {
            return None;
        }
        let id = held.next;
        held.next += 1;
        let gives_way = Arc::new(Notify::new());
        let entry = Entry {
            bytes: 0,
            arriving: Some(Arc::clone(&gives_way)),
        };
        held.bodies.insert(id, entry);
        Some(Slot {
            bodies: self,
            id,
            gives_way,
        })
    }
}

/// A place among the [`Bodies`].
#[derive(Debug)]
pub(super) struct Slot<'a> {
    bodies: &'a Bodies,
    id: u64,
    gives_way: Arc<Notify>,
}

impl Slot<'_> {
    /// Counts bytes that have arrived. Whether they may be kept.
    fn grow(&self, bytes: usize) -> bool {
        let mut held = self.bodies.held();
        let Some(entry) = held.bodies.get_mut(&self.id) else {
            return false;
        };
        entry.bytes += bytes;
        held.bytes += bytes;
        while held.bytes > self.bodies.memory && held.oldest_gives_way() {}
        held.bytes <= self.bodies.memory && held.bodies.contains_key(&self.id)
    }

    /// What was counted is not kept.
    fn shrink(&self) {
        let mut held = self.bodies.held();
        let bytes = held.bodies.get_mut(&self.id);
        let bytes = bytes.map_or(0, |entry| std::mem::take(&mut entry.bytes));
        held.bytes -= bytes;
    }

    /// The body is whole: it doesn't give way any more. `false` if it already had to.
    fn whole(&self) -> bool {
        let mut held = self.bodies.held();
        let entry = held.bodies.get_mut(&self.id);
        entry.is_some_and(|entry| entry.arriving.take().is_some())
    }

    /// Reads at most `cap` bytes.
    pub(super) async fn read(
        &self,
        body: Body,
        cap: usize,
        limits: BodyLimits,
    ) -> Result<Bytes, BodyError> {
        tokio::select! {
            biased;
            () = self.gives_way.notified() => Err(BodyError::GaveWay),
            read = timeout(limits.whole, self.collect(body, cap, limits)) => {
                let bytes = read.unwrap_or(Err(BodyError::TooSlow))?;
                if self.whole() { Ok(bytes) } else { Err(BodyError::GaveWay) }
            }
        }
    }

    async fn collect(
        &self,
        mut body: Body,
        cap: usize,
        limits: BodyLimits,
    ) -> Result<Bytes, BodyError> {
        let mut kept = BytesMut::new();
        let mut seen = 0_usize;
        let mut windows = interval(limits.window);
        windows.reset();
        let mut in_window = 0_usize;
        let mut ended = 0_u32;
        loop {
            let frame = tokio::select! {
                biased;
                frame = body.frame() => frame,
                _ = windows.tick() => {
                    ended = ended.saturating_add(1);
                    if ended > GRACE && in_window < limits.least {
                        return Err(BodyError::TooSlow);
                    }
                    in_window = 0;
                    continue;
                }
            };
            let Some(frame) = frame else {
                break;
            };
            let frame = frame.map_err(|_| BodyError::CutOff)?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            in_window = in_window.saturating_add(data.len());
            seen = seen.saturating_add(data.len());
            if seen <= cap {
                if !self.grow(data.len()) {
                    return Err(BodyError::GaveWay);
                }
                kept.extend_from_slice(&data);
            } else if !kept.is_empty() {
                kept = BytesMut::new();
                self.shrink();
            }
            if seen > cap.saturating_mul(2) {
                break;
            }
        }
        if seen > cap {
            return Err(BodyError::TooLong);
        }
        Ok(kept.freeze())
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.bodies.held().remove(self.id);
    }
}
