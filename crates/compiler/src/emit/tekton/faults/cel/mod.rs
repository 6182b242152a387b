//! CEL as the interceptor of Triggers has it: syntax, names, functions, and types as far as they are known.

mod functions;
mod lexer;
mod parser;
mod types;

pub(super) use types::Type;

/// How many signs may make a tree deeper before it is too deep to be looked at.
const LINKS: usize = 300;

/// The type of what an expression gives, or why it does not work.
pub(super) fn check(text: &str) -> Result<Type, String> {
    let tokens = lexer::tokens(text)?;
    let flat = |token: &&lexer::Token| matches!(token, lexer::Token::Sign("," | ":" | "&&" | "||") | lexer::Token::Text);
    if tokens.len() - tokens.iter().filter(flat).count() > LINKS {
        return Ok(Type::Any);
    }
    types::of(&parser::parse(tokens)?)
}
