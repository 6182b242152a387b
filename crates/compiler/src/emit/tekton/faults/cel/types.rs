//! The type of an expression.

use super::functions;
use super::parser::Expr;

/// What is known of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Type {
    Bool,
    Number,
    Text,
    List,
    Map,
    /// The headers of an event: each name leads to a list.
    Header,
    /// Not known before an event comes, such as a part of its body.
    Any,
}

impl Type {
    /// The type in a message.
    pub(in super::super) fn word(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "text",
            Self::List => "a list",
            Self::Map | Self::Header => "a mapping",
            Self::Any => "anything",
        }
    }

    fn known(self) -> Option<Self> {
        match self {
            Self::Any => None,
            Self::Header => Some(Self::Map),
            other => Some(other),
        }
    }
}

/// The type of an expression, or why it does not work.
pub(super) fn of(expr: &Expr) -> Result<Type, String> {
    typed(expr, &[])
}

fn typed(expr: &Expr, names: &[&str]) -> Result<Type, String> {
    match expr {
        Expr::Text => Ok(Type::Text),
        Expr::Number => Ok(Type::Number),
        Expr::Bytes => Ok(Type::Any),
        Expr::Name(name) => variable(name, names),
        Expr::List(items) => items.iter().try_for_each(|item| typed(item, names).map(drop)).map(|()| Type::List),
        Expr::Map(entries) => {
            entries.iter().flat_map(|(key, value)| [key, value]).try_for_each(|item| typed(item, names).map(drop)).map(|()| Type::Map)
        }
        Expr::Field(of) => part(typed(of, names)?),
        Expr::Index(of, index) => typed(index, names).and_then(|_| part(typed(of, names)?)),
        Expr::Call(target, name, arguments) => call(target.as_deref(), name, arguments, names),
        Expr::Not(inner) => truth(inner, names).map(|()| Type::Bool),
        Expr::Minus(inner) => typed(inner, names),
        Expr::Logic(parts) => parts.iter().try_for_each(|part| truth(part, names)).map(|()| Type::Bool),
        Expr::Pair(operator, left, right) => pair(operator, left, right, names),
        Expr::Choice(condition, yes, no) => {
            truth(condition, names)?;
            let (yes, no) = (typed(yes, names)?, typed(no, names)?);
            Ok(if yes == no { yes } else { Type::Any })
        }
    }
}

fn variable(name: &str, names: &[&str]) -> Result<Type, String> {
    match name {
        "true" | "false" => Ok(Type::Bool),
        "body" | "extensions" => Ok(Type::Map),
        "header" => Ok(Type::Header),
        "requestURL" => Ok(Type::Text),
        "null" | "bool" | "bytes" | "double" | "int" | "list" | "map" | "null_type" | "string" | "type" | "uint" => Ok(Type::Any),
        _ if names.contains(&name) => Ok(Type::Any),
        _ => Err(format!("there is no `{name}`, only body, header, extensions and requestURL")),
    }
}

fn part(of: Type) -> Result<Type, String> {
    match of {
        Type::Header => Ok(Type::List),
        Type::Map | Type::List | Type::Any => Ok(Type::Any),
        other => Err(format!("{} has no parts", other.word())),
    }
}

fn call(target: Option<&Expr>, name: &str, arguments: &[Expr], names: &[&str]) -> Result<Type, String> {
    if let Some(Expr::Name(group)) = target
        && functions::GROUPS.contains(&group.as_str())
        && !names.contains(&group.as_str())
    {
        return Ok(Type::Any);
    }
    let target = target.map(|target| typed(target, names)).transpose()?;
    let (inner, arguments) = match (functions::is_macro(name, arguments.len()), arguments) {
        (Some(result), [Expr::Name(item), rest @ ..]) if target.is_some() => {
            let names: Vec<_> = names.iter().copied().chain([item.as_str()]).collect();
            return rest.iter().try_for_each(|argument| typed(argument, &names).map(drop)).map(|()| result);
        }
        _ => (names, arguments),
    };
    arguments.iter().try_for_each(|argument| typed(argument, inner).map(drop))?;
    functions::result(target, name, arguments.len())
}

fn truth(expr: &Expr, names: &[&str]) -> Result<(), String> {
    match typed(expr, names)? {
        Type::Bool | Type::Any => Ok(()),
        other => Err(format!("{} is neither true nor false", other.word())),
    }
}

fn pair(operator: &str, left: &Expr, right: &Expr, names: &[&str]) -> Result<Type, String> {
    let (left, right) = (typed(left, names)?, typed(right, names)?);
    match operator {
        "in" if matches!(right, Type::Bool | Type::Number | Type::Text) => Err(format!("`in` needs a list, not {}", right.word())),
        "in" => Ok(Type::Bool),
        "+" | "-" | "*" | "/" | "%" => Ok(if left == right { left } else { Type::Any }),
        _ => compared(left, right),
    }
}

/// Values of different types are never equal; where CEL knows the types, it refuses to compare them.
fn compared(left: Type, right: Type) -> Result<Type, String> {
    match (left.known(), right.known()) {
        (Some(a), Some(b)) if a != b => Err(format!("{} is compared with {}", a.word(), b.word())),
        _ => Ok(Type::Bool),
    }
}
