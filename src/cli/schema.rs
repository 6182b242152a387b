//! `sidestage schema`.

use super::{Exit, Failure, print};
use sidestage_compiler::config::schema::{SCHEMAS, named};
use sidestage_compiler::diagnostics::nearest;

pub(super) fn run(name: Option<&str>) -> Result<Exit, Failure> {
    let Some(name) = name else {
        print(&SCHEMAS.iter().map(|schema| format!("{}\n", schema.name)).collect::<String>())?;
        return Ok(Exit::Clean);
    };
    match named(name.trim_end_matches(".schema.json")) {
        Some(schema) => print(schema.text)?,
        None => {
            let hint = match nearest(name, SCHEMAS.iter().map(|schema| schema.name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`sidestage schema` lists them".to_owned(),
            };
            return Err(Failure(format!("unknown schema `{name}`; {hint}")));
        }
    }
    Ok(Exit::Clean)
}
