//! `sandbox`: the vendors of the box, served on this machine to a relay of its own process.
//!
//! | route | does |
//! |---|---|
//! | `/` and `/stage/…` | the page that shows the vendors side by side ([`crate::stage`]) |
//! | `/FOLDER/…` | a vendor's own interface, in the folder that its emulation names |
//! | `GET /_sandbox/accepted` | every change that a vendor accepted: time, what, for whom, content |
//! | `GET /_sandbox/acknowledged` | every event that the relay acknowledged, by vendor |
//! | `GET /_sandbox/clock` | where time is anchored, and how fast it runs |
//! | `POST /_sandbox/faults` | orders a fault: `{"vendor":…, "operation":…, "moment":…, "act":…}` |
//! | `POST /_sandbox/act` | lets something happen: `{"by":"portal","do":{"act":"check_in",…}}` |
//! | `POST /_sandbox/reset` | forgets everybody, every fault and the book; the furniture stays |
//!
//! Rules: it listens on this machine only, and every credential in it is public. Another machine's
//! page in a browser here gets no further than to other routes of [`crate::stage::routes`]: `Host`
//! must name this machine, and what changes something must be JSON and come from no other origin. Events go out
//! when they are due on the sandbox's clock; what the relay does not acknowledge comes again, as
//! each vendor would send it again.
//!
//! Not guaranteed: acts of a cast that need the relay's own process (`relay`, `on = …`) are left
//! out here, and the log says so.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use relay_core::calendar::Calendar;
use relay_core::random::{Random, SeededRandom};
use relay_core::time::{Clock, ScaledClock, SignedDuration, SystemClock, TimeZone, Timestamp};
use relay_http_client::emulation::Accepted;
use relay_http_client::emulation_server::realize_outcomes;
use relay_http_client::{ReqwestTransport, Transport};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::error::CliError;
use super::output::Output;
use super::process::SandboxArgs;
use crate::lifecycle::{Ended, Lifecycle, Patience, Signals, Stop, pause};
use crate::sandbox::acting::{Fault, Hands};
use crate::sandbox::cast::{Cast, CastAct, CastClient, instant};
use crate::sandbox::clinic::Staff;
use crate::sandbox::vendors::Vendors;
use crate::sandbox::{clinic, stage};
use crate::stage::{Beside, House, Stage, routes as page};
use crate::telemetry;
use crate::telemetry::LogConfig;
use crate::wiring::emulated::Clinic;

/// How long to wait at most before looking for due events again, real time: an act may have
/// raised one.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Where time is anchored: what a relay that runs beside the sandbox asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Anchor {
    real: Timestamp,
    procedure: Timestamp,
    scale: u32,
}

/// An act that waits for its time.
#[derive(Debug)]
struct Coming {
    at: Timestamp,
    client: CastClient,
    act: CastAct,
}

/// The box, as the routes know it.
#[derive(Debug)]
struct Sandbox {
    vendors: Vendors,
    clock: Arc<dyn Clock>,
    anchor: Anchor,
}

/// Serves until it is told to end.
pub async fn serve(args: &SandboxArgs, out: &mut Output<'_>) -> Result<(), CliError> {
    let _log = telemetry::init(&LogConfig::default(), Arc::new(SystemClock))
        .map_err(|error| failed(&error))?;
    let cast = args.play.as_deref().map(read_cast).transpose()?;
    if cast.is_some() && args.time_scale == 1 {
        let why = "--play needs --time-scale: a cast lasts days, and begins on a day of its own";
        return Err(CliError::Usage(why.to_owned()));
    }
    let zone = Calendar::default_denver().zone().clone();
    let sandbox = furnished(args, cast.as_ref(), &zone).map_err(CliError::Failed)?;
    let sandbox = Arc::new(sandbox);
    let furnished = sandbox.vendors.furnish().map_err(CliError::Failed)?;
    let transport = ReqwestTransport::new().map_err(|error| failed(&error))?;
    let transport: Arc<dyn Transport> = Arc::new(transport);
    let connected = sandbox.vendors.connect(&transport, &args.relay_url);
    connected.map_err(CliError::Failed)?;
    let mut coming = VecDeque::new();
    if let Some(cast) = &cast {
        stage::set(cast, &sandbox.vendors, &zone).map_err(CliError::Failed)?;
        coming = acts(cast, &zone);
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| CliError::Failed(format!("--port: {address}: {error}")))?;
    let here = listener.local_addr()?;
    let sections = sandbox.vendors.sections(&furnished, |vendor| {
        format!("http://{here}/{}/", vendor.emulation.folder)
    });
    let sections = sections.map_err(CliError::Failed)?;
    let config = config(args, &sections, cast.as_ref());
    tell(args, here, &config, out)?;
    let hands = Hands {
        vendors: sandbox.vendors.clone(),
        engine: None,
        transport,
        relay_url: args.relay_url.clone(),
    };
    let beside = Beside {
        hands: hands.clone(),
        cast,
        clock: Arc::clone(&sandbox.clock),
        scale: args.time_scale,
        zone,
    };
    let stage = Stage::new(House::Vendors(Box::new(beside)));
    run(sandbox, stage, hands, coming, listener).await
}

/// A cast that travels in the binary, or one in a file.
fn read_cast(name: &str) -> Result<Cast, CliError> {
    let path = Path::new(name);
    if !path.exists() {
        return Cast::shipped(name).map_err(CliError::Usage);
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| CliError::Failed(format!("--play: {name}: {error}")))?;
    Cast::parse(&text).map_err(|error| CliError::Usage(format!("{name}: {error}")))
}

fn furnished(args: &SandboxArgs, cast: Option<&Cast>, zone: &TimeZone) -> Result<Sandbox, String> {
    let system: Arc<dyn Clock> = Arc::new(SystemClock);
    let real = system.now();
    let procedure = cast.map_or(real, |cast| cast.start(zone));
    let anchor = Anchor {
        real,
        procedure,
        scale: args.time_scale,
    };
    let clock: Arc<dyn Clock> =
        Arc::new(ScaledClock::new(system, real, procedure, args.time_scale));
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(args.seed));
    let coaches = cast.map_or(&[][..], |cast| &cast.coaches);
    let clinic = Clinic {
        clock: &clock,
        random: &random,
        zone,
        coaches: &stage::coaches(coaches)?,
        told_by: cast.map(|cast| cast.told_by).unwrap_or_default(),
        has_crm: cast.is_none_or(|cast| cast.has_crm),
    };
    Ok(Sandbox {
        vendors: Vendors::new(&clinic),
        clock,
        anchor,
    })
}

/// The acts that happen at a time and outside of the relay.
fn acts(cast: &Cast, zone: &TimeZone) -> VecDeque<Coming> {
    let mut coming = Vec::new();
    for client in &cast.clients {
        for act in &client.acts {
            match act.at {
                Some(at) if act.on.is_none() && act.by != "relay" => {
                    let at = instant(at, zone);
                    coming.push(Coming {
                        at,
                        client: client.clone(),
                        act: act.clone(),
                    });
                }
                _ => tracing::warn!(client = client.id, by = act.by, "an act is left out"),
            }
        }
    }
    coming.sort_by_key(|coming| coming.at);
    coming.into()
}

fn config(args: &SandboxArgs, sections: &[String], cast: Option<&Cast>) -> String {
    let folder = args.write_config.as_deref().and_then(Path::parent);
    let store = folder.unwrap_or(Path::new("")).join("clear-relay.sqlite");
    let staff = Staff {
        ask_first: cast.map_or(&[], |cast| &cast.ask_first),
        manager: cast.and_then(Cast::manager),
        tasks_a_day: cast.and_then(|cast| cast.coach_tasks_a_day),
    };
    clinic::file(&args.relay_url, &store, sections, staff)
}

/// Writes the configuration, and says what comes next.
fn tell(
    args: &SandboxArgs,
    here: SocketAddr,
    config: &str,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let (file, config) = match &args.write_config {
        Some(file) => {
            std::fs::write(file, config).map_err(|error| {
                CliError::Failed(format!("--write-config: {}: {error}", file.display()))
            })?;
            (file.display().to_string(), String::new())
        }
        None => (
            "sandbox.toml".to_owned(),
            format!("Its configuration:\n\n{config}\n"),
        ),
    };
    let scale = match args.time_scale {
        1 => String::new(),
        scale => format!(" --time-scale {scale}"),
    };
    let human = format!(
        "The sandbox listens on http://{here}\n\
         Its vendors, side by side:  http://{here}/\n{config}\
         A relay for it:  clear-relay --config {file} serve{scale}\n\
         Then its hooks:  clear-relay --config {file} hooks sync"
    );
    Ok(out.emit(&json!({ "listening": here, "config": file }), &human)?)
}

async fn run(
    sandbox: Arc<Sandbox>,
    stage: Arc<Stage>,
    hands: Hands,
    coming: VecDeque<Coming>,
    listener: TcpListener,
) -> Result<(), CliError> {
    let signals = Signals::of_process()?;
    let mut lifecycle = Lifecycle::new(Patience::default());
    let routes = routes(Arc::clone(&sandbox)).merge(page::router(Arc::clone(&stage)));
    lifecycle.service("http", move |stop| async move {
        crate::http::serve(listener, routes, async move { stop.draining().await }).await?;
        Ok(())
    });
    lifecycle.service("events", move |stop| async move {
        events(&sandbox, &stage, &hands, coming, &stop).await;
        // A stream has no end of its own, and the server waits for its connections.
        stage.close();
        Ok(())
    });
    match lifecycle.run(signals).await {
        Ended::Well => Ok(()),
        Ended::Badly => Err(CliError::Failed(
            "ended badly; the log tells why".to_owned(),
        )),
    }
}

/// Lets time pass: people act and events go out when they are due.
async fn events(
    sandbox: &Sandbox,
    stage: &Stage,
    hands: &Hands,
    mut coming: VecDeque<Coming>,
    stop: &Stop,
) {
    loop {
        while coming
            .front()
            .is_some_and(|next| next.at <= sandbox.clock.now())
        {
            let Some(Coming { client, act, .. }) = coming.pop_front() else {
                break;
            };
            if let Err(error) = hands.carry_out(&client, &act).await {
                tracing::warn!(
                    client = client.id,
                    by = act.by,
                    error,
                    "an act could not happen"
                );
            }
        }
        tokio::select! {
            _ = sandbox.vendors.deliver_due() => {}
            () = stop.draining() => return,
        }
        // What the relay asked for meanwhile shows, too: nobody tells of it.
        stage.touch();
        let act = coming.front().map(|next| next.at);
        let due = [sandbox.vendors.next_due(), act]
            .into_iter()
            .flatten()
            .min();
        tokio::select! {
            () = pause(sandbox.until(due)) => {}
            () = stop.draining() => return,
        }
    }
}

impl Sandbox {
    /// How long until `due`, real time, within reason.
    fn until(&self, due: Option<Timestamp>) -> Duration {
        let left = due.map_or(SignedDuration::MAX, |due| {
            due.duration_since(self.clock.now())
        });
        let real = left / i32::try_from(self.anchor.scale).unwrap_or(i32::MAX);
        let real = Duration::try_from(real).unwrap_or(Duration::ZERO);
        real.clamp(Duration::from_millis(1), LOOK_AGAIN)
    }
}

fn routes(sandbox: Arc<Sandbox>) -> Router {
    let vendors = &sandbox.vendors;
    let mut routes = Router::new();
    for (vendor, interface) in vendors.routers() {
        let interface = interface.layer(axum::middleware::from_fn(realize_outcomes));
        routes = routes.nest_service(&format!("/{}", vendor.emulation.folder), interface);
    }
    let inspect = Router::new()
        .route("/accepted", get(accepted))
        .route("/acknowledged", get(acknowledged))
        .route("/clock", get(clock))
        .route("/faults", post(order))
        .route("/act", post(act))
        .route("/reset", post(reset))
        .layer(axum::middleware::from_fn(page::admit))
        .with_state(sandbox);
    routes.nest("/_sandbox", inspect)
}

async fn accepted(State(sandbox): State<Arc<Sandbox>>) -> Json<Vec<Accepted>> {
    Json(sandbox.vendors.accepted())
}

async fn acknowledged(State(sandbox): State<Arc<Sandbox>>) -> Json<Value> {
    Json(json!(sandbox.vendors.acknowledged()))
}

async fn clock(State(sandbox): State<Arc<Sandbox>>) -> Json<Value> {
    let Anchor {
        real,
        procedure,
        scale,
    } = sandbox.anchor;
    let now = sandbox.clock.now();
    Json(json!({ "real": real, "procedure": procedure, "scale": scale, "now": now }))
}

async fn order(State(sandbox): State<Arc<Sandbox>>, Json(fault): Json<Fault>) -> Response {
    answer(
        sandbox
            .vendors
            .order(&fault.vendor, fault.rule)
            .map(|()| Value::Null),
    )
}

/// What somebody lets happen.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Doing {
    by: String,
    #[serde(rename = "do")]
    what: Value,
}

async fn act(State(sandbox): State<Arc<Sandbox>>, Json(doing): Json<Doing>) -> Response {
    answer(sandbox.vendors.act(&doing.by, doing.what))
}

async fn reset(State(sandbox): State<Arc<Sandbox>>) -> Response {
    sandbox.vendors.reset();
    answer(sandbox.vendors.furnish().map(Value::Object))
}

fn answer(result: Result<Value, String>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response(),
    }
}

fn failed(error: &dyn std::fmt::Display) -> CliError {
    CliError::Failed(error.to_string())
}
