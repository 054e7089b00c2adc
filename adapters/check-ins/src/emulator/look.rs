//! What the list has of a client, to whoever stands in front of it.

use relay_core::time::{Date, Timestamp};
use serde::Serialize;

use super::list::ClinicList;

/// A client, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenClient {
    /// Her id.
    pub id: String,
    /// Her given name.
    pub first_name: Option<String>,
    /// Her family name.
    pub last_name: Option<String>,
    /// The status word.
    pub status: String,
    /// Her coach, by name.
    pub coach: Option<String>,
    /// The CRM contact that the list links her to.
    pub contact: Option<String>,
    /// `R`.
    pub regimen: Option<Date>,
    /// Her check-ins, the first due first.
    pub check_ins: Vec<SeenCheckIn>,
}

/// A check-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenCheckIn {
    /// Its id.
    pub id: String,
    /// `D`.
    pub due: Date,
    /// When it was submitted, if it was.
    pub submitted_at: Option<Timestamp>,
    /// Whether the clinic withdrew it.
    pub withdrawn: bool,
}

impl ClinicList {
    /// The clients' ids, in the order in which they joined.
    pub fn clients(&self) -> Vec<String> {
        let state = self.state();
        let ids = state.clients.iter().map(|client| client.id.clone());
        ids.collect()
    }

    /// Everything the list has of `client`.
    pub fn look(&self, client: &str) -> Option<SeenClient> {
        let state = self.state();
        let known = state.client(client)?;
        let name = |id: &str| {
            let coach = state.coaches.iter().find(|coach| coach.id == id);
            coach.map_or_else(|| id.to_owned(), |coach| coach.name.clone())
        };
        let own = state.check_ins.iter().filter(|one| one.client == client);
        let mut check_ins: Vec<SeenCheckIn> = own
            .map(|check_in| SeenCheckIn {
                id: check_in.id.clone(),
                due: check_in.due,
                submitted_at: check_in.submitted_at,
                withdrawn: check_in.withdrawn,
            })
            .collect();
        check_ins.sort_by_key(|check_in| check_in.due);
        Some(SeenClient {
            id: known.id.clone(),
            first_name: known.first_name.clone(),
            last_name: known.last_name.clone(),
            status: known.status.as_deref().unwrap_or("online").to_owned(),
            coach: known.coach.as_deref().map(name),
            contact: known.keap_contact_id.clone(),
            regimen: known.last_regimen_change,
            check_ins,
        })
    }
}
