//! What a guard reads of the world, and what it says then.

use relay_core::ids::{CoachId, EffectKey};
use relay_core::workflow::{GuardReading, PortalReading, StandsIn, Verdict};

use super::World;

impl World {
    pub(crate) fn reading(&self) -> GuardReading {
        let today = self.calendar.date_of(self.now);
        let assigned = self.client.coach.as_ref();
        let acting = assigned.map(|coach| self.time_off.acting_for(coach, today));
        let named = |id: &CoachId| self.coaches.iter().find(|one| one.id == *id).cloned();
        GuardReading {
            read_at: self.now,
            portal: Some(PortalReading {
                client: self.client.clone(),
                check_ins: self.check_ins.clone(),
                messages: self.messages.clone(),
                page: None,
            }),
            coach: acting.as_ref().and_then(|acting| named(acting.coach)),
            stands_in: acting.and_then(|acting| {
                let away = acting.while_away?;
                let name = named(&away.coach)?.name;
                Some(StandsIn {
                    name,
                    until: away.until,
                })
            }),
            contact: self.contact.clone(),
            billing: self.billing.clone(),
            task: self.task.clone(),
            no_contact: None,
            contact_type: self.contact_type.clone(),
            address_confirmed: false,
            not_offered: self.not_offered,
            silence: self.silence(),
        }
    }

    pub(crate) fn guard(&self, key: &EffectKey) -> Verdict {
        let reading = self.reading();
        self.guard_with(key, &reading)
    }

    pub(crate) fn guard_with(&self, key: &EffectKey, reading: &GuardReading) -> Verdict {
        let effect = &self.planned[key];
        self.workflow.guard(self.cx(), &self.case, effect, reading)
    }
}
