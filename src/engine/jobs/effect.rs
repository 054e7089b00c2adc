//! An effect is carried out, or looked for: see [`engine::effect`](crate::engine::effect).

use relay_core::effects::EffectKind;
use relay_store::Job;

use crate::engine::effect::run;
use crate::engine::job_kinds::{Asks, Cancelling, Death, JobSpec};
use crate::engine::words::effect_name_first;

/// The row of this kind.
pub(super) const SPEC: JobSpec = JobSpec {
    schedule: None,
    asks: Asks::ForItsEffect,
    lost,
    death: Death::EndsItsEffect,
    cancelling: Cancelling::NotWhileCaseIsOpen {
        instead: "its case waits for it: pause the case (`clear-relay cases pause CASE --by NAME \
                  --reason TEXT`) or close it (`clear-relay cases close CASE --by NAME --reason TEXT`); \
                  `clear-relay stop --by NAME` halts all outreach",
    },
    run: |engine, job| Box::pin(run::run_effect(engine, job)),
};

fn lost(job: &Job) -> String {
    let kind = job.payload["kind"].as_str();
    let kind = kind.and_then(EffectKind::from_name);
    let what = kind.map_or_else(
        || "Something that was planned".to_owned(),
        effect_name_first,
    );
    format!("{what} did not go through")
}
