//! `rumormill set` and `rumormill unset`.

use rumormill_agent::api::SetInput;
use rumormill_proto::{Input, Mode, Name};

use crate::client::http::{Client, Path};
use crate::term::exit::Exit;
use crate::term::{exit, parse};

/// Set inputs of the agent
///
/// The cluster's aggregate `requests` combines the inputs `requests` of all agents.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rumormill set requests=7
  rumormill set requests=7 queue=12.5
  rumormill set peak=99 --mode epoch")]
pub(crate) struct SetArgs {
    /// Name and value of an input; a finite number within ±2⁵³
    #[arg(required = true, value_name = "NAME=VALUE", value_parser = parse::input)]
    inputs: Vec<parse::Input>,
    /// `live` follows the inputs; `epoch` computes each epoch from the inputs at its start
    #[arg(long, value_parser = ["live", "epoch"], default_value = "live")]
    mode: String,
}

/// Remove inputs of the agent
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  rumormill unset requests")]
pub(crate) struct UnsetArgs {
    /// Names of the inputs
    #[arg(required = true, value_name = "NAME", value_parser = parse::name)]
    names: Vec<Name>,
}

pub(crate) fn set(client: &Client, args: &SetArgs) -> anyhow::Result<Exit> {
    let mode = if args.mode == "epoch" { Mode::Epoch } else { Mode::Live };
    parse::once_each(&args.inputs)?;
    for parse::Input { name, value } in &args.inputs {
        let path = Path::new("/v1/inputs").segment(name.as_str());
        let set: Input = client.put(&path, &SetInput { value: *value, mode })?;
        exit::print(&format!("{}={}", set.name, set.value))?;
    }
    Ok(Exit::Done)
}

pub(crate) fn unset(client: &Client, args: &UnsetArgs) -> anyhow::Result<Exit> {
    for name in &args.names {
        let path = Path::new("/v1/inputs").segment(name.as_str());
        let _: serde_json::Value = client.delete(&path)?;
        exit::print(&format!("{name} unset"))?;
    }
    Ok(Exit::Done)
}
