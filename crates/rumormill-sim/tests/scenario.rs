//! Scenarios: what is written happens, what is impossible is refused, and what fails is shrunk.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::process::Command;

use rumormill_proto::sabotage::{Rule, break_rule};
use rumormill_sim::check::Violation;
use rumormill_sim::scenario::{
    Action, NodeStatus, Outcome, Scenario, ScenarioRun, Shrink, Slice, Span,
};
use rumormill_sim::{Failure, trace};

fn scenario(text: &str) -> Scenario {
    toml::from_str(text).unwrap()
}

fn run(scenario: &Scenario) -> (Vec<Slice>, Outcome) {
    let mut run = ScenarioRun::detailed(scenario).unwrap();
    let slices = std::iter::from_fn(|| run.advance()).collect();
    (slices, run.outcome())
}

/// The slice at that many seconds.
fn at(slices: &[Slice], seconds: f64) -> &Slice {
    slices.iter().find(|slice| slice.sample.at.seconds() >= seconds).unwrap()
}

const FAST: &str = "
    [node]
    interval = '100ms'
    membership.probe_interval = '300ms'
    membership.probe_timeout = '100ms'
    membership.suspicion_timeout = '1s'
    membership.reconnect_interval = '1s'
    membership.sync_interval = '3s'
";

fn fast(top: &str, rest: &str) -> Scenario {
    scenario(&format!("{top}\n{FAST}\n{rest}"))
}

#[test]
fn a_quiet_cluster_comes_to_know_its_sum() {
    let (slices, outcome) = run(&fast("nodes = 8\nduration = '10s'\nsample = '5ms'", ""));
    assert_eq!(outcome.failure, None);
    assert!(outcome.settled_after.is_some() && outcome.enclosures > 100 && outcome.balances > 3);
    let last = &slices.last().unwrap().sample;
    let aggregate = &last.aggregates[0];
    assert_eq!((aggregate.name.as_str(), aggregate.truth), ("requests", 36.0));
    assert!(aggregate.worst_error.unwrap() < 1e-6 && aggregate.converged == 1.0, "{aggregate:?}");
    assert_eq!((last.running, last.members.unwrap().min, last.agreed), (8, 8.0, 1.0));
    let first = &slices[0].sample;
    assert!(first.aggregates[0].worst_error.unwrap_or(1.0) > 1e-3, "nobody knows it at once");
}

#[test]
fn a_crash_is_seen_and_a_restart_comes_back() {
    let (slices, outcome) = run(&fast(
        "nodes = 6\nduration = '30s'\naggregates.load = 10",
        "[[action]]\nat = '8s'\ncrash = 'n2'\nfor = '10s'",
    ));
    assert_eq!(outcome.failure, None);
    assert_eq!((outcome.counters.crashes, outcome.counters.restarts), (1, 1));
    assert_eq!(at(&slices, 8.5).nodes[2].status, NodeStatus::Crashed);
    let detected = &at(&slices, 15.0).sample;
    assert_eq!((detected.running, detected.members.unwrap().max), (5, 5.0));
    assert_eq!(detected.aggregates[0].truth, 50.0);
    assert!(detected.aggregates[0].worst_error.unwrap() < 1e-4, "{detected:?}");
    let back = &at(&slices, 29.0).sample;
    assert_eq!((back.running, back.members.unwrap().min), (6, 6.0));
    assert_eq!(back.aggregates[0].truth, 60.0);
    let marks: Vec<&str> =
        slices.iter().flat_map(|slice| &slice.marks).map(|mark| mark.text.as_str()).collect();
    assert_eq!(marks[..2], ["crash: n2", "restart: n2"]);
}

#[test]
fn two_sides_of_a_partition_agree_each_on_its_own_sum_and_then_on_one() {
    let (slices, outcome) = run(&fast(
        "nodes = 6\nduration = '40s'\naggregates.load = 10",
        "[[action]]\nat = '5s'\npartition = 'n0, n1'\nfor = '20s'",
    ));
    assert_eq!(outcome.failure, None);
    let split = at(&slices, 24.0);
    let sums: Vec<i64> =
        split.nodes.iter().map(|node| node.aggregates[0].value.unwrap().round() as i64).collect();
    assert_eq!(sums, [20, 20, 40, 40, 40, 40]);
    assert_eq!(split.sample.agreed, 0.0);
    let healed = at(&slices, 39.0);
    assert_eq!(healed.sample.agreed, 1.0);
    assert!(
        healed.nodes.iter().all(|node| (node.aggregates[0].value.unwrap() - 60.0).abs() < 1e-3)
    );
}

#[test]
fn a_rumor_reaches_whom_a_partition_kept_it_from_and_keys_agree_again() {
    let (slices, outcome) = run(&fast(
        "nodes = 8\nduration = '25s'",
        "[[action]]\nat = '4s'\npartition = 'n0-n2'\nfor = '15s'
        [[action]]\nat = '12s'\npublish = { topic = 'deploy', nodes = 'n1' }
        [[action]]\nat = '12s'\nput = { key = 'a', value = '1', nodes = 'n1' }
        [[action]]\nat = '13s'\nput = { key = 'b', value = '2', nodes = 'n7' }",
    ));
    assert_eq!(outcome.failure, None);
    let split = &at(&slices, 18.5).sample;
    assert_eq!(split.events.unwrap().waiting, 5, "the other side has not heard it");
    assert_eq!(split.kv.unwrap().equal, 5.0 / 8.0);
    let healed = &at(&slices, 24.5).sample;
    assert_eq!(healed.events.unwrap().delivered, 1.0);
    let keys = healed.kv.unwrap();
    assert_eq!((keys.equal, keys.keys.unwrap().min), (1.0, 2.0));
}

#[test]
fn keys_outlive_a_power_cut_where_there_is_a_store() {
    let keys = |durable: &str| {
        let (slices, outcome) = run(&fast(
            "nodes = 5\nduration = '20s'",
            &format!(
                "durable = {durable}
                [[action]]\nat = '3s'\nput = {{ key = 'a', value = '1', nodes = 'n1' }}
                [[action]]\nat = '8s'\ncrash = 'all'\nfor = '3s'"
            ),
        ));
        assert_eq!(outcome.failure, None, "{durable}");
        assert_eq!(at(&slices, 7.0).sample.kv.unwrap().keys.unwrap().min, 1.0);
        let keys = at(&slices, 19.0).sample.kv.and_then(|replica| replica.keys).unwrap();
        assert_eq!(keys.min, keys.max, "{durable}: all hold the same");
        keys.max
    };
    assert_eq!(keys("false"), 0.0, "nothing is left in memory");
    assert_eq!(keys("true"), 1.0);
    // One store is enough for all.
    assert_eq!((keys("'n4'"), keys("1")), (1.0, 1.0));
}

#[test]
fn rumors_stop_as_the_scenario_says() {
    let told = |rumor: &str| {
        let (slices, outcome) = run(&fast(
            "nodes = 24\nduration = '20s'",
            &format!(
                "events = {{ {rumor} }}\n[calm]\npatience = '0s'
                [[action]]\nat = '8s'\npublish = {{ topic = 'deploy' }}"
            ),
        ));
        assert_eq!(outcome.failure, None, "{rumor}");
        let rumors = slices.last().unwrap().sample.events.unwrap();
        (rumors.delivered, outcome.counters.packets_sent)
    };
    // Pushed by a coin that comes up at the first contact, hardly anybody hears it.
    let (few, _) = told("style = 'push', fanout = 1, stop = 'blind-coin:1', eager = false");
    let (all, _) = told("style = 'push', fanout = 3, stop = 'feedback-counter:6'");
    assert!(few < 0.5 && all > 0.9, "{few} {all}");
}

#[test]
fn everything_that_can_happen_happens() {
    let text = fast(
        "nodes = 8\nduration = '30s'\naggregates = { a = 1, b = { uniform = [0, 100] } }",
        "[link]
        latency = 'lognormal:2ms,0.5'
        loss = 0.02
        duplication = 0.01
        reordering = 0.05
        [[action]]
        at = '4s'
        join = 2
        [[action]]
        at = '5s'
        leave = 1
        [[action]]
        at = ['5s', '10s']
        times = 3
        pause = 1
        for = '2s'
        [[action]]
        at = '6s'
        isolate = 'n1'
        for = '500ms'
        [[action]]
        at = '8s'
        cut = { from = 'n2', to = 'n3' }
        for = '1s'
        [[action]]
        at = '12s'
        link = { loss = 0.3 }
        for = '2s'
        [[action]]
        at = '13s'
        set = { aggregate = 'c', value = 7, nodes = 'n0-n2' }
        [[action]]
        at = '15s'
        unset = { aggregate = 'a', nodes = 1 }
        [[action]]
        at = '15s'
        clock = { nodes = '50%', rate = 1.02 }
        [[action]]
        at = ['16s', '26s']
        churn = { per_minute = 30, down = '2s' }
        [[action]]
        at = '20s'
        partition = ['n0-n3', 'n4, n5']
        [[action]]
        at = '21s'
        heal = true
        [[action]]
        at = ['4s', '25s']
        times = 8
        publish = { topic = 'deploy', bytes = 2000 }
        [[action]]
        at = ['4s', '25s']
        times = 8
        put = { key = 'color', value = 'red' }
        [[action]]
        at = ['4s', '25s']
        times = 2
        delete = { key = 'color' }",
    );
    let (slices, outcome) = run(&text);
    assert_eq!(outcome.failure, None);
    let counters = outcome.counters;
    let happened = [
        (counters.leaves, 1),
        (counters.pauses, 3),
        (counters.isolations, 1),
        (counters.one_way_cuts, 1),
        (counters.partitions, 1),
        (counters.starts, 10),
    ];
    assert!(happened.iter().all(|(count, wanted)| count == wanted), "{happened:?}");
    assert!(counters.crashes > 1 && counters.crashes == counters.restarts, "{counters}");
    assert!(
        counters.packets_lost > 0 && counters.packets_duplicated > 0 && counters.clock_changes > 3
    );
    assert_eq!(slices.last().unwrap().nodes.len(), 10);
    let last = &slices.last().unwrap().sample;
    let c = last.aggregates.iter().find(|aggregate| aggregate.name == "c");
    assert_eq!(c.unwrap().truth, 21.0);
    let (rumors, replica) = (last.events.unwrap(), last.kv.unwrap());
    assert_eq!((rumors.published, rumors.delivered, rumors.waiting), (8, 1.0, 0));
    assert_eq!(replica.equal, 1.0);
}

#[test]
fn steps_written_as_events_are_the_same_run() {
    let random = fast(
        "nodes = 8\nduration = '20s'\nseed = 3",
        "[[action]]\nat = ['5s', '15s']\nchurn = { per_minute = 60, down = '3s' }
        [[action]]\nat = ['5s', '10s']\npartition = '50%'\nfor = '4s'
        [[action]]\nat = ['5s', '18s']\ntimes = 5\nset = { aggregate = 'requests', nodes = 1, value = { uniform = [0, 9] } }",
    );
    let steps = random.steps().unwrap();
    assert!(steps.iter().any(|step| matches!(step.action, Action::Partition(_))), "{steps:?}");
    let fixed = random.with_steps(&steps);
    let text = toml::to_string(&fixed).unwrap();
    let read: Scenario = toml::from_str(&text).unwrap();
    assert_eq!(read.steps().unwrap(), steps, "{text}");
    assert_eq!(run(&read).1.digest, run(&random).1.digest);
}

#[test]
fn a_change_of_one_event_leaves_the_draws_of_others() {
    let both = "nodes = 9\n[[action]]\nat = ['1s', '50s']\ncrash = 1
        [[action]]\nat = ['1s', '50s']\npause = 1\nfor = '5s'";
    let pause = |scenario: Scenario| {
        let steps = scenario.steps().unwrap();
        steps.into_iter().find(|step| matches!(step.action, Action::Pause(..))).unwrap()
    };
    let (before, after) = (scenario(both), scenario(&both.replace("crash = 1", "join = 1")));
    assert_eq!(pause(before).at, pause(after).at);
}

#[test]
fn what_makes_no_sense_is_refused_with_key_value_and_range() {
    let refused = |text: &str| {
        let scenario: Scenario = match toml::from_str(text) {
            Ok(scenario) => scenario,
            Err(error) => return error.message().to_owned(),
        };
        scenario.check().unwrap_err().to_string()
    };
    for (text, message) in [
        ("nodes = 0", "nodes is 0, but must be from 1 to 100000"),
        ("duration = '0s'", "duration is 0s, but must be above 0s and at most 24h"),
        ("sample = '2m'", "sample is 2m, but must be not longer than the duration"),
        ("link.loss = 1.5", "link.loss is 1.5, but must be from 0 to 1"),
        ("node.aggregates.view_size = 2", "node.aggregates.view_size is 2, but must be at least 4"),
        ("node.drift = 0.9", "node.drift is 0.9, but must be from 0 to 0.5"),
        (
            "nodes = 2\naggregates.a = { each = [1, 2, 3] }",
            "aggregates.a is a list of 3, but must be at most one number for each of 2 nodes",
        ),
        ("aggregates.a = 1e300", "aggregates.a is 1000000"),
        ("aggregates.'a b' = 1", "aggregates is \"a b\", but must be 1 to 64 letters"),
        (
            "[[action]]\nat = '70s'\ncrash = 1",
            "action 1: at is 1m10s, but must be within the duration, 1m",
        ),
        ("[[action]]\nat = '1s'", "nothing happens; write one of crash, restart"),
        (
            "[[action]]\nat = '1s'\ncrash = 1\nleave = 1",
            "crash and leave in one; make it two actions",
        ),
        (
            "[[action]]\nat = '1s'\ncrash = 'n99'",
            "action 1: crash is n99, but must be nodes to which it can happen; n99 does not exist at \
             1s: there are n0 to n15",
        ),
        (
            "[[action]]\nat = '1s'\ncrash = 'n3'\n[[action]]\nat = '2s'\npause = 'n3'\nfor = '1s'",
            "action 2: pause is n3, but must be nodes to which it can happen; n3 is not running at 2s",
        ),
        (
            "[[action]]\nat = '1s'\nrestart = 'n3'",
            "action 1: restart is n3, but must be nodes to which it can happen; n3 is running at 1s",
        ),
        ("[[action]]\nat = '1s'\ncrash = 20", "action 1: crash is 20, but must be at most 16"),
        (
            "[[action]]\nat = '1s'\npause = 1",
            "action 1: for is not set, but must be a time such as \"5s\": pause ends",
        ),
        (
            "[[action]]\nat = '50s'\ncrash = 1\nfor = '20s'",
            "action 1: for is 20s from 50s on, but must be over within the duration, 1m",
        ),
        (
            "[[action]]\nat = '1s'\npartition = '50%'\nfor = '10s'\n[[action]]\nat = '5s'\npartition = 3",
            "action 2: at is 5s, but must be not before 11s: an earlier one lasts until then",
        ),
        (
            "[[action]]\nat = '1s'\npartition = ['n0-n3', 'n3-n5']",
            "action 1: partition is n3-n5, but must be sides that share no node; n3 is on two",
        ),
        (
            "[[action]]\nat = '5s'\nchurn = { per_minute = 5 }",
            "action 1: at is 5s, but must be two times",
        ),
        ("[[action]]\nat = '5s'\nunset = { aggregate = 'load' }\n", ""),
        (
            "[[action]]\nat = '5s'\nunset = { aggregate = 'load', nodes = 'n1' }\n",
            "action 1: unset is n1, but must be nodes to which it can happen; n1 does not report load",
        ),
        ("[[action]]\nat = '1s'\nlink = { loss = 2 }", "action 1: link.loss is 2, but must be"),
        (
            "[[action]]\nat = '1s'\npublish = { topic = '_x' }",
            "action 1: publish.topic is \"_x\", but must be a topic that does not begin",
        ),
        ("[[action]]\nat = '1s'\nput = { key = '', value = '' }", "action 1: put.key is \"\", but"),
        (
            "node.events.style = 'shout'",
            "\"shout\" is none of push, pull, push-pull, push-then-pull",
        ),
        ("node.events.fanout = 0", "node.events.fanout is 0, but must be from 1 to 64"),
        ("node.events.stop = 'never'", "\"never\" is not a stop rule; it must be rounds:R, log:C"),
        (
            "node.events.stop = 'blind-coin'",
            "\"blind-coin\" is not a stop rule; it must be rounds:R",
        ),
        ("node.events.k = 3", "unknown field `k`, expected one of `style`, `fanout`, `stop`"),
        ("node.rumor.fanout = 3", "unknown field `rumor`, expected one of `cluster`, `interval`"),
        ("node.events.max_queue = 0", "node.events.max_queue is 0, but must be at least 1"),
        ("nodes = 4\nnode.durable = 5", "node.durable is 5, but must be at most 4, the number of"),
        ("nodes = 4\nnode.durable = 'n4'", "node.durable is n4, but must be one of n0 to n3"),
        (
            "node.durable = 0.5",
            "invalid type: floating point `0.5`, expected true, false, or nodes",
        ),
        ("nodez = 3", "unknown field `nodez`, expected one of `nodes`, `formed`"),
        ("[[action]]\nat = 5\ncrash = 1", "invalid type: integer `5`, expected a time such as"),
        ("[[action]]\nat = '1s'\ncrash = 'x7'", "\"x7\" does not choose nodes; write n3, n3-n7"),
        ("link.latency = 'gauss:1ms'", "\"gauss:1ms\" is not a latency; write 5ms, 1ms..5ms"),
    ] {
        if message.is_empty() {
            assert!(scenario(text).check().is_ok(), "{text}");
        } else {
            let said = refused(text);
            assert!(said.starts_with(message), "{text}\nsays {said}");
        }
    }
}

/// A run full of faults, of which three crashes are enough to bring a broken rollback to light.
fn much() -> Scenario {
    fast(
        "nodes = 8\nduration = '40s'\nseed = 5",
        "[[action]]\nat = ['3s', '30s']\ntimes = 6\npause = 1\nfor = '700ms'
        [[action]]\nat = ['3s', '30s']\nchurn = { per_minute = 20, down = '6s' }
        [[action]]\nat = ['3s', '30s']\ntimes = 10\nset = { aggregate = 'requests', nodes = 1, value = { uniform = [0, 99] } }
        [[action]]\nat = '10s'\nlink = { loss = 0.2 }\nfor = '2s'",
    )
}

#[test]
fn a_broken_rule_is_found_and_shrunk_to_what_brings_it_to_light() {
    let much = much();
    assert_eq!(run(&much).1.failure, None);
    assert!(Shrink::new(&much).unwrap().is_none(), "there is nothing to shrink");
    break_rule(Some(Rule::Rollback));
    let steps = much.steps().unwrap().len();
    let mut shrink = Shrink::new(&much).unwrap().unwrap();
    while shrink.advance().unwrap() {}
    let shrunk = shrink.best();
    let (_, again) = run(&shrunk.scenario);
    break_rule(None);
    println!("{} of {steps} steps in {} runs", shrunk.steps, shrunk.runs);
    println!("{}", toml::to_string(&shrunk.scenario).unwrap());
    assert_eq!(again.failure, shrunk.outcome.failure);
    let wrong = matches!(
        again.failure,
        Some(Failure::Broken(_, Violation::Escaped { .. } | Violation::Unbalanced { .. }))
    );
    assert!(wrong, "{:?}", again.failure);
    assert!(steps > 20 && shrunk.steps <= 3, "{} of {steps} steps", shrunk.steps);
    assert_eq!(shrunk.scenario.duration, Span::from(again.at), "nothing after the failure");
    assert_eq!(run(&shrunk.scenario).1.failure, None, "with the rule kept it holds");
}

fn digests() -> Vec<String> {
    (0..3)
        .map(|seed| {
            let (slices, outcome) = run(&Scenario { seed, ..much() });
            let last = postcard_length(&slices);
            format!("{seed} {:016x} {last}", outcome.digest)
        })
        .collect()
}

/// The length of what would be recorded: another witness that two runs are the same.
fn postcard_length(slices: &[Slice]) -> u64 {
    let header = trace::Header {
        program: String::new(),
        scenario: String::new(),
        seed: 0,
        nodes: 0,
        aggregates: Vec::new(),
        duration: slices[0].sample.at,
        period: slices[0].sample.at,
    };
    let mut writer = trace::TraceWriter::new(std::io::sink(), &header).unwrap();
    for slice in slices {
        writer.write(slice).unwrap();
    }
    writer.written()
}

/// Run by the next test in a process of its own.
#[test]
#[ignore = "prints digests for another test"]
fn print_digests() {
    for digest in digests() {
        println!("digest {digest}");
    }
}

#[test]
fn one_scenario_and_seed_are_one_run_in_two_processes() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output =
        command.args(["--exact", "print_digests", "--ignored", "--nocapture"]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    // The harness may have begun the first line.
    let there: Vec<_> = text.lines().filter_map(|line| line.split_once("digest ")).collect();
    let there: Vec<_> = there.into_iter().map(|(_, digest)| digest.to_owned()).collect();
    let here = digests();
    assert_eq!(there, here);
    assert_ne!(here[0][2..], here[1][2..], "another seed is another run");
}

#[test]
fn a_formed_cluster_knows_itself_from_the_start_and_its_beginning_can_be_followed() {
    let formed = fast("nodes = 300\nformed = true\nduration = '1s'\ncalm.patience = '0s'", "");
    let mut followed = ScenarioRun::new(&formed).unwrap();
    let shares: Vec<f64> = std::iter::from_fn(|| followed.start()).collect();
    assert!(shares.len() > 2 && shares.is_sorted() && shares.iter().all(|&share| share < 1.0));
    let first = followed.advance().unwrap().sample;
    assert_eq!((first.members.unwrap().min, first.agreed), (300.0, 1.0));
    while followed.advance().is_some() {}
    assert_eq!(followed.outcome().failure, None);
    // Whether anybody follows it makes no difference to the run.
    let mut alone = ScenarioRun::new(&formed).unwrap();
    while alone.advance().is_some() {}
    assert_eq!(alone.outcome().digest, followed.outcome().digest);

    let joined = Scenario { formed: Some(false), ..formed };
    let first = ScenarioRun::new(&joined).unwrap().advance().unwrap().sample;
    assert!(first.agreed < 1.0);
    let by_itself = |nodes| Scenario { nodes, ..Scenario::default() }.starts_formed();
    assert!(!by_itself(500) && by_itself(501));
}
