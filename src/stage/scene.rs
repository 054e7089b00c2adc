//! Reads a view: of the vendors' state, and of the relay's store where that is at hand.

use relay_core::time::TimeZone;

use super::relay;
use super::view::{
    Entry, Person, Reader, ShownTime, Someone, Trouble, View, clock, person, trouble,
};
use crate::engine::Engine;
use crate::sandbox::vendors::Vendors;

/// Everything that a view is read from.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The vendors.
    pub vendors: &'a Vendors,
    /// The relay, where it runs in this process.
    pub engine: Option<&'a Engine>,
    /// Everybody.
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
        let chosen = self.people.iter().filter(asked).take(super::AT_ONCE);
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
            trouble: Trouble {
                portal: trouble(&self.vendors.portal.faults().left()),
                keap: trouble(&self.vendors.keap.faults().left()),
            },
            roster: roster.collect(),
            people,
        })
    }

    /// `None` for somebody whom the portal no longer knows.
    async fn person(&self, someone: &Someone) -> Result<Option<Person>, String> {
        let Some(seen) = self.vendors.portal.look(&someone.id) else {
            return Ok(None);
        };
        let contact = someone.contact.and_then(|id| self.vendors.keap.look(id));
        let relay = match self.engine {
            Some(engine) => Some(relay::read(engine, &someone.id, self.zone).await?),
            None => None,
        };
        let today = self.zone.to_datetime(self.time.now).date();
        Ok(Some(person(
            someone,
            &seen,
            contact.as_ref(),
            relay,
            Reader {
                zone: self.zone,
                today,
            },
        )))
    }
}
