//! `sidestage schema`.

use sidestage_compiler::config::schema::{SCHEMAS, named};
use sidestage_compiler::diagnostics::nearest;

use super::error::CliError;
use super::{Exit, print};

pub(super) fn run(name: Option<&str>) -> Result<Exit, CliError> {
    let Some(name) = name else {
        print(&SCHEMAS.iter().map(|schema| format!("{}\n", schema.name)).collect::<String>())?;
        return Ok(Exit::Clean);
    };
    let Some(schema) = named(name.trim_end_matches(".schema.json")) else {
        let hint = match nearest(name, SCHEMAS.iter().map(|schema| schema.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`sidestage schema` lists them".to_owned(),
        };
        return Err(CliError::UnknownName { kind: "schema", name: name.to_owned(), hint });
    };
    print(schema.text)?;
    Ok(Exit::Clean)
}
