//! The tags by which staff begin something (E8): one that is missing can't be put on.

use relay_core::facts::StaffWord;

use super::{KeapInspector, could_not};
use crate::doctor::{Area, Finding};

const KEY: &str = "keap.tags";

impl KeapInspector {
    pub(super) async fn word_tags(&self) -> Vec<Finding> {
        let mut missing = Vec::new();
        for (word, name) in self.config.tags.iter() {
            match self.client.tag_by_name(name).await {
                Ok(Some(_)) => {}
                Ok(None) => missing.push((word, name)),
                Err(error) => return vec![could_not(Area::Crm, "tags", &error)],
            }
        }
        if missing.is_empty() {
            let what = "the tags by which staff begin something are there";
            return vec![Finding::ok(Area::Crm, KEY, what)];
        }
        let missing = missing.into_iter();
        let note = |(word, name): (StaffWord, &str)| {
            let what = format!("Keap has no tag {name:?}: nobody can put it on a client");
            let remedy = format!(
                "make it in Keap under CRM, Settings, Tags, or write the name of the one you use as {KEY}.{}",
                word.as_str()
            );
            Finding::note(Area::Crm, KEY, what).with_remedy(remedy)
        };
        missing.map(note).collect()
    }
}
