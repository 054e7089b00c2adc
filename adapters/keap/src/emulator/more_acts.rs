//! Acts that are rarer: goals, a contact whose tags are refused, is deleted or merged.

use super::things::{NewGoal, TagRefusal};
use super::world::{World, known};

impl World<'_> {
    pub(super) fn delete_contact(&mut self, contact: u64) -> Result<u64, String> {
        known(self.state.contacts.remove(contact), "contact")?;
        self.state.custom.retain(|(owner, _), _| *owner != contact);
        self.state.applied.retain(|(owner, _), _| *owner != contact);
        self.raise("contact.delete", contact);
        Ok(contact)
    }

    pub(super) fn merge(&mut self, keep: u64, gone: u64) -> Result<u64, String> {
        known(self.state.contacts.get(keep), "contact")?;
        self.delete_contact(gone)?;
        let state = &mut *self.state;
        for table in [
            &mut state.emails,
            &mut state.tasks,
            &mut state.notes,
            &mut state.subscriptions,
            &mut state.payment_methods,
        ] {
            for record in table.iter_mut().filter(|record| record.belongs_to(gone)) {
                record.set("contact_id", keep.to_string());
            }
        }
        self.raise("contact.edit", keep);
        Ok(keep)
    }

    pub(super) fn add_goal(&mut self, new: &NewGoal) -> u64 {
        self.state.goals.push(new.clone());
        self.state.goals.len() as u64
    }

    pub(super) fn refuse_tags(&mut self, refusal: &TagRefusal) -> u64 {
        let refused = &mut self.state.refused_tags;
        match &refusal.word {
            Some(word) => refused.insert(refusal.contact, word.clone()),
            None => refused.remove(&refusal.contact),
        };
        refusal.contact
    }
}
