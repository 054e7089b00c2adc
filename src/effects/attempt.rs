//! The attempt: what the guard let pass is given an intent, asked of the vendor once, and what came
//! of it is stored.

use relay_core::case::Case;
use relay_core::effects::{Absence, Request, Settled};
use relay_core::ids::IntentId;
use relay_core::retry::Class;
use relay_core::time::{SignedDuration, Timestamp};
use relay_http_client::CallError;
use relay_store::{Effect, EffectState, Intent, Job, JobEnd, Op};

use crate::effects::again::CONFLICT;
use crate::effects::guard::Fresh;
use crate::effects::perform::can_be_read_back;
use crate::effects::run::STOPPED_FOR;
use crate::effects::settle::{Ending, remember};
use crate::effects::{Holds, Name, Performed};
use crate::engine::jobs::{failure, fence};
use crate::engine::{Engine, EngineError};
use crate::failpoint::{ATTEMPT, INTENT, READ_BACK};

/// How long may lie between the last read and the request, real time. A third of a lease: if more has
/// passed, somebody else may hold the job.
const STANDSTILL: SignedDuration = SignedDuration::from_secs(5);

impl Engine {
    pub(super) async fn carry_out(
        &self,
        job: &Job,
        case: &Case,
        effect: &Effect,
        name: &Name,
        request: Request,
        read: Fresh,
    ) -> Result<(), EngineError> {
        let planned = [EffectState::Planned];
        if !crate::engine::stepper::acts(effect.mode) {
            let ending = Ending {
                request: Some(request),
                more: read.ops,
                ..Ending::new(EffectState::Proposed, Settled::Proposed)
            };
            return self.settle(job, effect, &planned, ending).await;
        }
        let desired = effect.kind().absence() == Absence::DesiredState;
        let holds = if desired {
            self.call(READ_BACK, self.perform.holds(&request)).await?
        } else {
            Holds::No
        };
        if holds != Holds::No {
            let mut more = read.ops;
            // An earlier write of ours that was refused may be why it holds. Where the vendor shows
            // who it was, nothing is guessed: a coach who completed her task meanwhile has called.
            let ours = holds == Holds::ByUs || (holds == Holds::Yes && effect.revision > 0);
            let settled = if ours {
                more.extend(remember(effect, &request));
                Settled::Done {
                    at: effect.intended_at.unwrap_or_else(|| self.now()),
                    vendor_ref: None,
                    by_probe: true,
                }
            } else {
                Settled::AlreadyTrue
            };
            let ending = Ending {
                request: Some(request),
                more,
                ..Ending::new(EffectState::Done, settled)
            };
            return self.settle(job, effect, &planned, ending).await;
        }
        // What the vendors answered to the guard says whether this is the time at all.
        if let Some(apart) = self.clocks_apart().await? {
            return self.wait_for_clock(job, &apart, read.ops).await;
        }
        // The guard took its time; `stop` may have been said meanwhile.
        if self.halted(effect).await? {
            return self.snooze(job, STOPPED_FOR, "outreach is stopped").await;
        }
        // A desired state was read just now, after the rest, and that read may have taken long.
        let guarded_at = if desired {
            self.clocks.real.now()
        } else {
            read.looked_at
        };
        let intent = self.intend(job, case, effect, request, read).await?;
        // This process may have stood still (a suspended machine): its lease may be gone, and what
        // the guard read is old.
        if self.clocks.real.now().duration_since(guarded_at) > STANDSTILL {
            let why = "this process stood still after the guard";
            return self.not_begun(job, effect, &intent, why, STOPPED_FOR).await;
        }
        // A stop said before the intent was stored is seen here; a later one finds the request on
        // its way.
        if self.halted(effect).await? {
            return self
                .not_begun(job, effect, &intent, "outreach is stopped", STOPPED_FOR)
                .await;
        }
        // A copy of the database that was made before now is behind the file from now on: what can
        // never be looked for with certainty must at least be known to have been possible.
        if effect.kind().absence() == Absence::Never
            && let Err(error) = self.count().await
        {
            let why = "the generation of the database could not be counted";
            self.not_begun(job, effect, &intent, why, STOPPED_FOR)
                .await?;
            return Err(error);
        }
        let outcome = self
            .call(
                ATTEMPT,
                self.perform.attempt(name, &intent.request, intent.at),
            )
            .await;
        match outcome {
            Ok(Performed {
                unfinished: Some(why),
                ..
            }) => {
                self.not_begun(job, effect, &intent, why, SignedDuration::ZERO)
                    .await
            }
            Ok(performed) if desired && can_be_read_back(&intent.request) => {
                self.read_back(job, effect, &intent, performed).await
            }
            Ok(performed) => self.done(job, effect, &intent, performed).await,
            Err(error) => self.not_done(job, effect, &intent, &error).await,
        }
    }

    /// Stores the right to one mutating request, if neither the lease nor the case has moved.
    async fn intend(
        &self,
        job: &Job,
        case: &Case,
        effect: &Effect,
        request: Request,
        read: Fresh,
    ) -> Result<Intent, EngineError> {
        let at = self.now();
        let intent = Intent {
            id: IntentId::new(self.random.as_ref(), at),
            key: effect.key().clone(),
            revision: effect.revision + 1,
            request,
            reading: serde_json::to_value(&read.reading).unwrap_or_default(),
            at,
            outcome: None,
        };
        let mut ops = vec![
            Op::RequireFence(fence(job)),
            Op::RequireCase {
                case: case.id,
                version: case.version,
            },
            Op::Intend(intent.clone()),
        ];
        ops.extend(read.ops);
        self.commit(INTENT, ops).await?;
        Ok(intent)
    }

    /// The intent is stored and what it is for was not asked of the vendor: back to the guard after
    /// `wait`. Nothing failed.
    async fn not_begun(
        &self,
        job: &Job,
        effect: &Effect,
        intent: &Intent,
        why: &str,
        wait: SignedDuration,
    ) -> Result<(), EngineError> {
        let ops = vec![
            Op::EndIntent {
                key: intent.key.clone(),
                revision: intent.revision,
                outcome: Class::NotSent.as_str().to_owned(),
            },
            self.back_to_planned(effect, EffectState::Intended),
        ];
        let at = self.now().saturating_add(wait);
        let at = at.unwrap_or(Timestamp::MAX);
        self.put_off(job, at, why.to_owned(), ops).await
    }

    /// A desired state is believed when it is read, not when the write is answered.
    async fn read_back(
        &self,
        job: &Job,
        effect: &Effect,
        intent: &Intent,
        performed: Performed,
    ) -> Result<(), EngineError> {
        let holds = self
            .call(READ_BACK, self.perform.holds(&intent.request))
            .await;
        // Whoever the vendor shows: our write was answered well.
        if let Ok(Holds::Yes | Holds::ByUs | Holds::ByOthers) = holds {
            return self.done(job, effect, intent, performed).await;
        }
        let outcome = Class::Unclear.as_str();
        self.unclear(job, effect, intent, outcome, "read back otherwise")
            .await
    }

    async fn done(
        &self,
        job: &Job,
        effect: &Effect,
        intent: &Intent,
        performed: Performed,
    ) -> Result<(), EngineError> {
        let Performed {
            vendor_ref, alarm, ..
        } = performed;
        let mut more = vec![Op::EndIntent {
            key: intent.key.clone(),
            revision: intent.revision,
            outcome: "done".to_owned(),
        }];
        if let Some(alarm) = alarm {
            more.extend(self.alarm_ops(effect, &alarm));
        }
        more.extend(remember(effect, &intent.request));
        let settled = Settled::Done {
            at: intent.at,
            vendor_ref,
            by_probe: false,
        };
        let ending = Ending {
            more,
            ..Ending::new(EffectState::Done, settled)
        };
        // Whoever took this job over when its lease was lost may have looked meanwhile, and not have
        // seen what was still on its way. The answer settles it.
        let from = [
            EffectState::Intended,
            EffectState::Unclear,
            EffectState::Unsettled,
            EffectState::Planned,
        ];
        self.settle(job, effect, &from, ending).await
    }

    async fn not_done(
        &self,
        job: &Job,
        effect: &Effect,
        intent: &Intent,
        error: &CallError,
    ) -> Result<(), EngineError> {
        if error.class == Class::Unclear {
            // It has something under this key: not being listed will prove nothing.
            let outcome = match error.status {
                Some(409) => CONFLICT,
                _ => Class::Unclear.as_str(),
            };
            return self
                .unclear(job, effect, intent, outcome, &error.message)
                .await;
        }
        let (end, given_up) = self.decide_again(job, error.class, failure(error));
        let end_intent = Op::EndIntent {
            key: intent.key.clone(),
            revision: intent.revision,
            outcome: error.class.as_str().to_owned(),
        };
        if let (JobEnd::Dead { error }, true) = (&end, given_up) {
            let settled = Settled::Dead {
                reason: error.message.clone(),
            };
            let mut more = vec![end_intent];
            more.extend(self.dead_item_ops(job, effect.case, &error.message));
            let ending = Ending {
                end,
                more,
                ..Ending::new(EffectState::Dead, settled)
            };
            return self
                .settle(job, effect, &[EffectState::Intended], ending)
                .await;
        }
        let mut ops = vec![
            end_intent,
            self.back_to_planned(effect, EffectState::Intended),
        ];
        if error.class == Class::Unauthorised {
            ops.extend(self.connection_item_ops(error));
        }
        match end {
            end @ JobEnd::Snooze { .. } => self.wait(job, end, ops).await,
            end => self.end(job, end, ops).await,
        }
    }

    async fn unclear(
        &self,
        job: &Job,
        effect: &Effect,
        intent: &Intent,
        outcome: &str,
        why: &str,
    ) -> Result<(), EngineError> {
        let now = self.now();
        let at = self.probes.next(0, intent.at, now).unwrap_or(now);
        let ops = vec![
            Op::EndIntent {
                key: intent.key.clone(),
                revision: intent.revision,
                outcome: outcome.to_owned(),
            },
            self.move_effect(effect, EffectState::Intended, EffectState::Unclear),
        ];
        let why = format!("the outcome is unclear ({why}): looking before anything else");
        self.end(job, JobEnd::snooze(at, why), ops).await
    }
}
