//! Compares what a coach is asked about a client with her task in the CRM.

use relay_core::effects::Port;
use relay_core::rate_limit::Priority;

use crate::engine::inbox;
use crate::engine::job_kinds::{Asks, Cancelling, Death, JobSpec};

/// The row of this kind.
pub(super) const SPEC: JobSpec = JobSpec {
    schedule: None,
    asks: Asks::Of(Priority::Normal, &[Port::Crm]),
    lost: |_| "A coach's task about a client could not be made or closed".to_owned(),
    death: Death::IsTriedOn,
    cancelling: Cancelling::Allowed,
    run: |engine, job| Box::pin(inbox::run(engine, job)),
};
