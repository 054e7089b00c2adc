//! A case's timer came due.

use relay_core::ids::CaseId;
use relay_core::workflow::Input;
use relay_store::{Job, JobEnd, Op};

use crate::engine::finish::{fence, member};
use crate::engine::job_kinds::{Asks, Cancelling, Death, JobSpec};
use crate::engine::stepper::names;
use crate::engine::{Engine, EngineError, clock, finish};
use crate::failpoint::TIMER;

/// The row of this kind.
pub(super) const SPEC: JobSpec = JobSpec {
    schedule: None,
    asks: Asks::Nothing,
    lost: |_| "A wait is over, and the next step could not be taken".to_owned(),
    death: Death::PausesItsCase,
    cancelling: Cancelling::NotWhileCaseIsOpen {
        instead: "its case waits for it: pause the case (`clear-relay cases pause CASE --by NAME \
                  --reason TEXT`) or close it (`clear-relay cases close CASE --by NAME --reason TEXT`)",
    },
    run: |engine, job| Box::pin(run_timer(engine, job)),
};

pub(super) async fn run_timer(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    let id: CaseId = member(job, "case")?;
    let generation: u64 = member(job, "generation")?;
    let Some(case) = engine.store.case(id).await? else {
        return finish::end(
            engine,
            job,
            JobEnd::Cancelled {
                why: "no such case".to_owned(),
            },
            vec![],
        )
        .await;
    };
    let live = case.generation == generation && !case.status.is_closed();
    // By the clock alone nothing is decided while it may be wrong.
    if live {
        match clock::clocks_apart_as_told(engine).await {
            Ok(None) => {}
            Ok(Some(apart)) => return clock::wait_for_clock(engine, job, &apart, Vec::new()).await,
            // Nothing could be done now either: what comes next asks the same vendors.
            Err(EngineError::Call(error)) => {
                return clock::wait_for_the_time(engine, job, &error).await;
            }
            Err(error) => return Err(error),
        }
    }
    let mut stepping = names::stepping_with_names(engine, &case.client).await?;
    // A timer set for a wait that is over does nothing.
    if live {
        stepping.input(id, &Input::Timer { generation }).await?;
    }
    stepping.push(Op::FinishJob {
        fence: fence(job),
        end: JobEnd::Done,
        at: engine.now(),
    });
    engine.commit(TIMER, stepping.into_ops()).await?;
    Ok(())
}
