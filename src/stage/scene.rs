//! Reads a view: of the vendors' state, and of the relay's store where that is at hand.

use relay_core::time::TimeZone;

use super::relay;
use super::view::{Entry, Person, ShownTime, Someone, View, clock, person, trouble};
use crate::engine::Engine;
use crate::sandbox::vendors::Vendors;
use crate::wiring::emulated::{Reader, Whom};

/// Everything that a view is read from.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The vendors.
    pub vendors: &'a Vendors,
    /// The relay, where it runs in this process.
    pub engine: Option<&'a Engine>,
    /// The clients who are shown.
    pub people: Vec<Someone>,
    /// The clinic's zone.
    pub zone: &'a TimeZone,
    /// The time.
    pub time: ShownTime,
}

impl Scene<'_> {
    /// What is on the page: these people whole, or the first few where none is named.
    pub async fn view(&self, who: &[String]) -> Result<View, String> {
        let asked = |one: &&Someone| who.is_empty() || who.contains(&one.id);
        let chosen = self.people.iter().filter(asked).take(super::view::AT_ONCE);
        let mut people = Vec::new();
        for someone in chosen {
            people.extend(self.person(someone).await?);
        }
        let roster = self.people.iter().map(|someone| Entry {
            id: someone.id.clone(),
            name: someone.name.clone(),
        });
        Ok(View {
            clock: clock(&self.time, self.zone),
            relay_here: self.engine.is_some(),
            trouble: self
                .vendors
                .each()
                .map(|one| (one.vendor.name, trouble(&one.emulator.faults().left())))
                .collect(),
            roster: roster.collect(),
            people,
        })
    }

    /// `None` for somebody whom a vendor must know and no longer does.
    async fn person(&self, someone: &Someone) -> Result<Option<Person>, String> {
        let today = self.zone.to_datetime(self.time.now).date();
        let reader = Reader {
            zone: self.zone,
            today,
        };
        let whom = Whom {
            id: &someone.id,
            contact: someone.contact,
        };
        let tools = self.vendors.each();
        let panels: Option<Vec<_>> = tools
            .map(|one| one.emulated.panels(&whom, reader))
            .collect();
        let Some(panels) = panels else {
            return Ok(None);
        };
        let relay = match self.engine {
            Some(engine) => Some(relay::read(engine, &someone.id, self.zone).await?),
            None => None,
        };
        Ok(Some(person(someone, panels, relay)))
    }
}
