//! Looks after connections that are renewed: nobody's work may find one dead.
//!
//! Refreshes what has been idle for long, tells an admin ten days before the tokens of a connection
//! end, and at once when one has ended. Where all is well again it takes the warning back.

use relay_core::time::{SignedDuration, Timestamp};
use relay_store::{Job, Op, WorkSettled};
use serde_json::json;

use crate::credentials::ALARM;
use crate::engine::{Engine, EngineError};
use crate::ports::{ConnectionState, ConnectionStatus};

/// How often it looks.
const EVERY: SignedDuration = SignedDuration::from_hours(6);

impl Engine {
    pub(super) async fn run_credential(&self, job: &Job) -> Result<(), EngineError> {
        let now = self.now();
        let mut ops = Vec::new();
        for status in self.ports.connections.keep_fresh().await? {
            ops.extend(self.connection_ops(&status, now));
        }
        let at = next_credential(now);
        self.put_off(job, at, "until the next look".to_owned(), ops)
            .await
    }

    fn connection_ops(&self, status: &ConnectionStatus, now: Timestamp) -> Vec<Op> {
        let name = &status.name;
        if status.state.is_broken() {
            let why = status.problem.as_deref().unwrap_or(status.state.as_str());
            return self.broken_connection_ops(name, why);
        }
        let left = status.refresh_expires_at.map(|end| end.duration_since(now));
        match left {
            Some(left) if left <= ALARM => self.ending_connection_ops(status),
            Some(_) if status.state == ConnectionState::Fresh => {
                let settled = WorkSettled {
                    at: now,
                    by: "relay".to_owned(),
                    action: "refreshed".to_owned(),
                };
                let dedupe_key = format!("credential/{name}");
                vec![Op::SettleWorkByKey {
                    dedupe_key,
                    settled,
                }]
            }
            _ => Vec::new(),
        }
    }

    /// The connection can't be renewed for weeks, and will end.
    fn ending_connection_ops(&self, status: &ConnectionStatus) -> Vec<Op> {
        let name = &status.name;
        let title = format!("The connection to {name} ends soon: it could not be refreshed");
        let mut item = self.item(format!("credential/{name}"), "connection", title);
        item.detail = json!({ "ends_at": status.refresh_expires_at, "reason": status.problem,
                              "remedy": self.ports.connections.remedy(name) });
        item.actions = vec!["done".to_owned()];
        self.open_work_ops(item, self.now())
    }
}

/// When it looks next.
pub(super) fn next_credential(now: Timestamp) -> Timestamp {
    now.saturating_add(EVERY).unwrap_or(Timestamp::MAX)
}
