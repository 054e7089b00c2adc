//! Ids of a list that differ from known ones in upper and lower case only: whose row it is, nobody can say.
//!
//! Read as another's, a row would begin a second client, and she who is known would be followed up although she has
//! checked in under the other spelling. Both spellings are never made one: in some programs they are two ids. So what
//! is told under one is not read, she who is known is left alone meanwhile, and a person is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{CheckInId, ClientId};
use relay_store::FactRow;

use crate::engine::sync::repeats::check_in_of;
use crate::engine::{Engine, EngineError};

/// How many ids are asked for at once.
const PAGE: u32 = 1_000;

/// An id that is known in another spelling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Respelt {
    /// The client who is known: what was told may be of her.
    pub client: ClientId,
    /// What kind of id: the column that has it.
    pub column: &'static str,
    /// As it is known.
    pub known: String,
    /// As it was told now.
    pub told: String,
}

impl fmt::Display for Respelt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            column,
            known,
            told,
            ..
        } = self;
        write!(
            f,
            "`{column}` {told} is known as {known}: spell it as it is known, or give another {} another id",
            column.replace('_', "-")
        )
    }
}

/// The ids of clients that a list has told of, read once when one is met that is not known.
#[derive(Debug, Default)]
pub(crate) struct KnownIds(Option<BTreeMap<String, ClientId>>);

impl KnownIds {
    /// The client who is known by `client` in another spelling, where nothing is known of `client` itself.
    pub(crate) async fn respelt(
        &mut self,
        engine: &Engine,
        client: &ClientId,
    ) -> Result<Option<Respelt>, EngineError> {
        let ids = match &mut self.0 {
            Some(ids) => ids,
            none => none.insert(all(engine).await?),
        };
        let known = ids.get(&folded(client.as_str()));
        Ok(known.filter(|known| *known != client).map(|known| Respelt {
            client: known.clone(),
            column: "client",
            known: known.to_string(),
            told: client.to_string(),
        }))
    }
}

async fn all(engine: &Engine) -> Result<BTreeMap<String, ClientId>, EngineError> {
    let mut ids = BTreeMap::new();
    for kind in [FactBody::CHECK_IN_DUE, FactBody::CLIENT_UPDATED] {
        let mut after: Option<ClientId> = None;
        loop {
            let store = &engine.store;
            let page = store.clients_told_of(kind, after.as_ref(), PAGE).await?;
            ids.extend(page.iter().map(|id| (folded(id.as_str()), id.clone())));
            // A page may be short because a row in it can't be read.
            match page.last() {
                Some(last) => after = Some(last.clone()),
                None => break,
            }
        }
    }
    Ok(ids)
}

/// Takes out of `told`, which is about one client, what is about a check-in that is known of her in another spelling.
pub(crate) fn take_respelt_check_ins(known: &[FactRow], told: &mut Vec<Fact>) -> Vec<Respelt> {
    let ids: BTreeSet<&CheckInId> = known
        .iter()
        .filter_map(|row| check_in_of(&row.fact.body))
        .collect();
    let mut respelt = BTreeSet::new();
    told.retain(|fact| {
        let Some(id) = check_in_of(&fact.body).filter(|id| !ids.contains(id)) else {
            return true;
        };
        let alike = |known: &&&CheckInId| folded(known.as_str()) == folded(id.as_str());
        let found = ids.iter().find(alike).map(|known| Respelt {
            client: fact.client.clone(),
            column: "check_in",
            known: known.to_string(),
            told: id.to_string(),
        });
        let is_other = found.is_none();
        respelt.extend(found);
        is_other
    });
    respelt.into_iter().collect()
}

/// Without upper case: ids are of ASCII letters.
fn folded(id: &str) -> String {
    id.to_ascii_lowercase()
}
