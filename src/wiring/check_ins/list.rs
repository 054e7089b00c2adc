//! What the list tells, as a portal would be asked: answered from the facts.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use relay_core::clients::{CheckIn, ClientSnapshot, Coach, PortalMessage, Records};
use relay_core::facts::FactBody;
use relay_core::ids::{CheckInId, ClientId, CoachId, ContactId};
use relay_core::retry::Class;
use relay_core::time::{Date, Timestamp};
use relay_core::workflow::NotOffered;
use relay_http_client::CallError;
use relay_store::{FactRow, Store, StoreError};

use crate::ports::{OpenCheckIns, Portal, PortalNote};

/// How many clients are asked for at once.
const PAGE: u32 = 200;

/// The list.
#[derive(Debug, Clone)]
pub struct CheckInList {
    store: Arc<dyn Store>,
    coaches: Vec<Coach>,
}

impl CheckInList {
    /// What `store` was told; `coaches` are the clinic's.
    pub fn new(store: Arc<dyn Store>, coaches: Vec<Coach>) -> Self {
        Self { store, coaches }
    }

    async fn facts(&self, client: &ClientId) -> Result<Vec<FactRow>, CallError> {
        self.store
            .facts(client)
            .await
            .map_err(|error| unread(&error))
    }
}

/// The list is our own database: it comes back, or its damage is told by row.
fn unread(error: &StoreError) -> CallError {
    let after = None;
    CallError::ours(
        Class::Retryable { after },
        "read the check-in list",
        error.to_string(),
    )
}

fn not_offered(operation: &'static str) -> CallError {
    CallError::ours(
        Class::Permanent,
        operation,
        "the check-in list has no messages and no notes",
    )
}

/// What deliveries have told: what the relay has read of it and stored again is no word of the list's.
fn told(facts: &[FactRow]) -> impl DoubleEndedIterator<Item = &FactRow> + Clone {
    facts.iter().filter(|row| row.receipt.is_some())
}

/// Her check-ins, as the latest word of each has it.
fn check_ins(facts: &[FactRow]) -> Vec<CheckIn> {
    let mut known: BTreeMap<&CheckInId, CheckIn> = BTreeMap::new();
    for row in told(facts) {
        match &row.fact.body {
            FactBody::CheckInDue {
                check_in,
                due,
                due_at,
            } => {
                let one = CheckIn {
                    id: check_in.clone(),
                    due: *due,
                    due_at: *due_at,
                    submitted_at: None,
                    withdrawn: false,
                };
                known.insert(check_in, one);
            }
            FactBody::CheckInRescheduled { check_in, due } => {
                if let Some(one) = known.get_mut(check_in) {
                    one.due = *due;
                    one.due_at = None;
                }
            }
            FactBody::CheckInSubmitted { check_in, .. } => {
                if let Some(one) = known.get_mut(check_in) {
                    one.submitted_at = Some(row.fact.source_time);
                }
            }
            FactBody::CheckInWithdrawn { check_in } => {
                if let Some(one) = known.get_mut(check_in) {
                    one.withdrawn = true;
                }
            }
            _ => {}
        }
    }
    let mut all: Vec<CheckIn> = known.into_values().collect();
    all.sort_by_key(|one| one.due);
    all
}

/// What was told of her last; whether she is a minor, what was last told of that.
fn client(facts: &[FactRow]) -> Option<ClientSnapshot> {
    let of_her = told(facts).rev().filter_map(|row| match &row.fact.body {
        FactBody::ClientUpdated { client } => Some(&**client),
        _ => None,
    });
    let last = of_her.clone().next()?.clone();
    let minor = of_her.clone().find_map(|client| client.minor);
    Some(ClientSnapshot { minor, ..last })
}

#[async_trait]
impl Portal for CheckInList {
    fn not_offered(&self) -> NotOffered {
        NotOffered {
            messages: true,
            notes: true,
            crm: false,
            records: Records::List,
        }
    }

    async fn client(&self, id: &ClientId) -> Result<Option<ClientSnapshot>, CallError> {
        Ok(client(&self.facts(id).await?))
    }

    async fn client_of(&self, _contact: &ContactId) -> Result<Option<ClientId>, CallError> {
        Ok(None)
    }

    async fn check_ins(&self, id: &ClientId, since: Date) -> Result<Vec<CheckIn>, CallError> {
        let mut all = check_ins(&self.facts(id).await?);
        all.retain(|one| one.due >= since);
        Ok(all)
    }

    async fn open_check_ins(&self, due_before: Date) -> Result<OpenCheckIns, CallError> {
        let mut open = OpenCheckIns::default();
        let mut after: Option<ClientId> = None;
        loop {
            let page = self
                .store
                .clients_told_of(FactBody::CHECK_IN_DUE, after.as_ref(), PAGE)
                .await
                .map_err(|error| unread(&error))?;
            for client in &page {
                // Her row that can't be read is told by itself, and keeps nobody else from being looked at.
                let Ok(facts) = self.facts(client).await else {
                    let reason = "a row about the client can't be read in the database";
                    open.left_out.insert(reason.to_owned());
                    continue;
                };
                let overdue = check_ins(&facts).into_iter().filter(|one| {
                    one.due < due_before && one.submitted_at.is_none() && !one.withdrawn
                });
                let listed = overdue.map(|one| (client.clone(), one));
                open.listed.extend(listed);
            }
            // A page may be short because a row in it can't be read.
            match page.last() {
                Some(last) => after = Some(last.clone()),
                None => return Ok(open),
            }
        }
    }

    async fn messages(
        &self,
        _id: &ClientId,
        _since: Timestamp,
    ) -> Result<Vec<PortalMessage>, CallError> {
        Err(not_offered("list messages"))
    }

    async fn send_message(
        &self,
        _key: &str,
        _client: &ClientId,
        _author: &CoachId,
        _text: &str,
    ) -> Result<String, CallError> {
        Err(not_offered("send a message"))
    }

    async fn notes(&self, _id: &ClientId, _since: Timestamp) -> Result<Vec<PortalNote>, CallError> {
        Err(not_offered("list notes"))
    }

    async fn add_note(
        &self,
        _key: &str,
        _client: &ClientId,
        _author: Option<&CoachId>,
        _text: &str,
    ) -> Result<String, CallError> {
        Err(not_offered("add a note"))
    }

    async fn coaches(&self) -> Result<Vec<Coach>, CallError> {
        Ok(self.coaches.clone())
    }
}
