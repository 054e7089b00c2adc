//! What every emulator promises, tried on one write of its own.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::{Emulator, FaultAct, FaultRule, Moment};
use crate::{Answer, Call, RouterTransport, Transport as _, TransportError};

/// A write by which an emulator is tried.
pub struct Write {
    /// The name that faults and accepted requests know it by.
    pub operation: &'static str,
    /// The request: the number makes it another one each time, and its address names any host.
    pub call: Box<dyn Fn(u32) -> Call + Send + Sync>,
}

impl std::fmt::Debug for Write {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Write")
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

/// A try under way.
struct Tried {
    emulator: Arc<dyn Emulator>,
    transport: RouterTransport,
    write: Write,
    sent: u32,
}

impl Tried {
    /// Sends the write once more, with `act` ordered for it. Returns the answer, and whether it was
    /// accepted.
    async fn meets(
        &mut self,
        order: Option<(Moment, FaultAct)>,
    ) -> (Result<Answer, TransportError>, usize) {
        if let Some((moment, act)) = order {
            self.emulator.faults().order(FaultRule {
                operation: self.write.operation.to_owned(),
                moment,
                act,
                skip: 0,
                times: 1,
            });
        }
        let before = self.accepted();
        self.sent += 1;
        let call = (self.write.call)(self.sent);
        self.transport.replace(
            call.url.host_str().unwrap_or_default(),
            Arc::clone(&self.emulator).router(),
        );
        let mut call = call;
        call.timeout = Duration::from_secs(10);
        let answer = self.transport.send(call).await;
        (answer, self.accepted() - before)
    }

    fn accepted(&self) -> usize {
        let all = self.emulator.accepted().into_iter();
        all.filter(|one| one.operation == self.write.operation)
            .count()
    }
}

/// Tries what an emulator gets from the kit: that it is connected. Everything it held before is
/// forgotten afterwards. The error says what doesn't hold.
pub async fn check(emulator: Arc<dyn Emulator>, write: Write) -> Result<(), String> {
    let mut tried = Tried {
        emulator,
        transport: RouterTransport::new(),
        write,
        sent: 0,
    };
    let (answer, made) = tried.meets(None).await;
    let good = answer.is_ok_and(|answer| answer.status.is_success());
    hold(good && made == 1, "a good request is accepted once")?;
    silence(&mut tried).await?;
    statuses(&mut tried).await?;
    hold(
        tried.emulator.faults().left().is_empty(),
        "a fault that struck is used up",
    )?;
    tried.emulator.reset();
    hold(
        tried.emulator.accepted().is_empty(),
        "a reset forgets what was accepted",
    )?;
    hold(
        tried.emulator.acknowledged().is_empty(),
        "a reset forgets what was acknowledged",
    )
}

async fn silence(tried: &mut Tried) -> Result<(), String> {
    for moment in [Moment::Before, Moment::After] {
        let wanted = usize::from(moment == Moment::After);
        let (answer, made) = tried.meets(Some((moment, FaultAct::Reset))).await;
        let cut = matches!(answer, Err(TransportError::Cut));
        hold(
            cut && made == wanted,
            "a connection is cut before or after the change",
        )?;
        let (answer, made) = tried.meets(Some((moment, FaultAct::Hang))).await;
        let silent = matches!(answer, Err(TransportError::TimedOut));
        hold(
            silent && made == wanted,
            "an answer stays out before or after the change",
        )?;
        let (answer, made) = tried.meets(Some((moment, FaultAct::Refuse))).await;
        let unsent = matches!(answer, Err(TransportError::NotSent(_)));
        hold(
            unsent && made == 0,
            "what was refused was never carried out",
        )?;
        for (seconds, comes) in [(1, true), (10, false)] {
            let order = Some((moment, FaultAct::Slow { seconds }));
            let (answer, made) = tried.meets(order).await;
            let as_waited = match answer {
                Ok(answer) => comes && answer.status.is_success(),
                Err(TransportError::TimedOut) => !comes,
                Err(_) => false,
            };
            hold(
                as_waited && made == 1,
                "a slow answer is the real one, too late for some",
            )?;
        }
    }
    Ok(())
}

async fn statuses(tried: &mut Tried) -> Result<(), String> {
    for moment in [Moment::Before, Moment::After] {
        for code in [429, 500, 503] {
            for (body, retry_after) in [(None, None), (Some("ordered"), Some(7)), (Some(""), None)]
            {
                let act = FaultAct::Status {
                    code,
                    retry_after,
                    body: body.map(str::to_owned),
                };
                let (answer, made) = tried.meets(Some((moment, act))).await;
                let told = answer.is_ok_and(|answer| {
                    let waits = answer.headers.get(http::header::RETRY_AFTER);
                    let waits = waits.and_then(|value| value.to_str().ok()?.parse().ok());
                    let as_ordered = body.is_none_or(|body| answer.body == body);
                    answer.status == StatusCode::from_u16(code).unwrap_or_default()
                        && waits == retry_after
                        && as_ordered
                });
                let wanted = usize::from(moment == Moment::After);
                hold(told && made == wanted, "a status is answered as ordered")?;
            }
        }
    }
    Ok(())
}

fn hold(holds: bool, what: &str) -> Result<(), String> {
    holds.then_some(()).ok_or_else(|| format!("not so: {what}"))
}
