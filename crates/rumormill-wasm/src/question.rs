//! Which questions the page may ask, and who answers each.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{average, broadcast, follow, graph, network, sandbox, spread, stop, usual};

/// A question of the page, by its verb.
#[derive(Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
enum Question {
    PredictSpread(spread::Predict),
    SimulateSpread(spread::Simulate),
    FollowSpread(follow::FollowSpread),
    FindRuns(follow::FindRuns),
    PredictGraph(graph::PredictGraph),
    PredictDoubling(stop::PredictDoubling),
    FollowSchedule(stop::FollowSchedule),
    PredictStop(stop::PredictStop),
    StopBySize(stop::StopBySize),
    CompareWays(broadcast::CompareWays),
    SimulateBroadcast(broadcast::SimulateBroadcast),
    SpreadCurve(usual::Curve),
    SpreadStages(usual::Stages),
    SpreadWaits(usual::Waits),
    SpreadSwitches(usual::Switches),
    SpreadUpdates(usual::Updates),
    SimulateAverage(average::SimulateAverage),
    PredictAverage(average::PredictAverage),
    FollowAverage(average::FollowAverage),
    ScenarioOpen(network::ScenarioOpen),
    ScenarioAdvance(network::ScenarioAdvance),
    TraceOpen(network::TraceOpen),
    RunSlices(network::RunSlices),
    RunClose(network::RunClose),
    SandboxOpen(sandbox::SandboxOpen),
    SandboxSeek(sandbox::SandboxSeek),
    SandboxAct(sandbox::SandboxAct),
    SandboxFork(sandbox::SandboxFork),
    SandboxClose(sandbox::SandboxClose),
    SandboxExact(sandbox::SandboxExact),
}

/// What the page gets back: one of the two.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Answer(Box<RawValue>),
    Error(String),
}

/// Why a question has no answer, in words.
pub(crate) type Answer = Result<Box<RawValue>, String>;

/// Returns an answer as JSON.
pub(crate) fn json(answer: &impl Serialize) -> Answer {
    serde_json::value::to_raw_value(answer).map_err(|error| error.to_string())
}

/// Answers a question: `{"answer": …}`, or `{"error": "…"}` in words for the reader of the page.
#[must_use]
pub fn answer(question: &[u8]) -> Vec<u8> {
    let reply = match serde_json::from_slice(question) {
        Ok(Question::PredictSpread(question)) => question.answer(),
        Ok(Question::SimulateSpread(question)) => question.answer(),
        Ok(Question::FollowSpread(question)) => question.answer(),
        Ok(Question::FindRuns(question)) => question.answer(),
        Ok(Question::PredictGraph(question)) => question.answer(),
        Ok(Question::PredictDoubling(question)) => question.answer(),
        Ok(Question::FollowSchedule(question)) => question.answer(),
        Ok(Question::PredictStop(question)) => question.answer(),
        Ok(Question::StopBySize(question)) => question.answer(),
        Ok(Question::CompareWays(question)) => question.answer(),
        Ok(Question::SimulateBroadcast(question)) => question.answer(),
        Ok(Question::SpreadCurve(question)) => question.answer(),
        Ok(Question::SpreadStages(question)) => question.answer(),
        Ok(Question::SpreadWaits(question)) => question.answer(),
        Ok(Question::SpreadSwitches(question)) => question.answer(),
        Ok(Question::SpreadUpdates(question)) => question.answer(),
        Ok(Question::SimulateAverage(question)) => question.answer(),
        Ok(Question::PredictAverage(question)) => question.answer(),
        Ok(Question::FollowAverage(question)) => question.answer(),
        Ok(Question::ScenarioOpen(question)) => question.answer(),
        Ok(Question::ScenarioAdvance(question)) => question.answer(),
        Ok(Question::TraceOpen(question)) => question.answer(),
        Ok(Question::RunSlices(question)) => question.answer(),
        Ok(Question::RunClose(question)) => question.answer(),
        Ok(Question::SandboxOpen(question)) => question.answer(),
        Ok(Question::SandboxSeek(question)) => question.answer(),
        Ok(Question::SandboxAct(question)) => question.answer(),
        Ok(Question::SandboxFork(question)) => question.answer(),
        Ok(Question::SandboxClose(question)) => question.answer(),
        Ok(Question::SandboxExact(question)) => question.answer(),
        Err(error) => Err(error.to_string()),
    };
    let reply = reply.map_or_else(Reply::Error, Reply::Answer);
    serde_json::to_vec(&reply).unwrap_or_default()
}
