//! The tree of an expression.

use super::lexer::Token;

/// An expression.
#[derive(Debug)]
pub(super) enum Expr {
    Text,
    Bytes,
    Number,
    Name(String),
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    Field(Box<Expr>),
    Index(Box<Expr>, Box<Expr>),
    Call(Option<Box<Expr>>, String, Vec<Expr>),
    Not(Box<Expr>),
    Minus(Box<Expr>),
    /// `&&` or `||` between many.
    Logic(Vec<Expr>),
    Pair(&'static str, Box<Expr>, Box<Expr>),
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
}

/// How many brackets may be around each other.
const DEPTH: usize = 60;

/// Operators between many, those that bind least first.
const LOGIC: [&str; 2] = ["||", "&&"];

/// Operators of two sides, those that bind least first.
const LEVELS: [&[&str]; 3] = [&["==", "!=", "<", "<=", ">", ">=", "in"], &["+", "-"], &["*", "/", "%"]];

/// The tree of words.
pub(super) fn parse(tokens: Vec<Token>) -> Result<Expr, String> {
    let mut parser = Parser { tokens: tokens.into_iter().peekable(), depth: 0 };
    let expr = parser.expr()?;
    match parser.tokens.next() {
        None => Ok(expr),
        Some(token) => Err(unexpected(Some(&token))),
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
}

impl Parser {
    fn expr(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("the expression is too deep".to_owned());
        }
        let mut expr = self.logic(0)?;
        if self.take("?") {
            let yes = self.expr()?;
            self.need(":")?;
            expr = Expr::Choice(Box::new(expr), Box::new(yes), Box::new(self.expr()?));
        }
        self.depth -= 1;
        Ok(expr)
    }

    fn logic(&mut self, level: usize) -> Result<Expr, String> {
        let Some(operator) = LOGIC.get(level) else { return self.level(0) };
        let first = self.logic(level + 1)?;
        let mut parts = Vec::new();
        while self.take(operator) {
            parts.push(self.logic(level + 1)?);
        }
        if parts.is_empty() {
            return Ok(first);
        }
        parts.push(first);
        Ok(Expr::Logic(parts))
    }

    fn level(&mut self, level: usize) -> Result<Expr, String> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.level(level + 1)?;
        while let Some(operator) = operators.iter().find(|operator| self.take(operator)) {
            left = Expr::Pair(operator, Box::new(left), Box::new(self.level(level + 1)?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, String> {
        let mut signs = Vec::new();
        while let Some(sign) = ["!", "-"].into_iter().find(|sign| self.take(sign)) {
            signs.push(sign);
        }
        let expr = self.member()?;
        let wrap = |expr, sign: &str| if sign == "!" { Expr::Not(Box::new(expr)) } else { Expr::Minus(Box::new(expr)) };
        Ok(signs.into_iter().rev().fold(expr, wrap))
    }

    fn member(&mut self) -> Result<Expr, String> {
        let mut expr = self.primary()?;
        loop {
            if self.take(".") {
                let name = self.name()?;
                expr = if self.take("(") { Expr::Call(Some(Box::new(expr)), name, self.list(")")?) } else { Expr::Field(Box::new(expr)) };
            } else if self.take("[") {
                let index = self.expr()?;
                self.need("]")?;
                expr = Expr::Index(Box::new(expr), Box::new(index));
            } else {
                return Ok(expr);
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, String> {
        match self.tokens.next() {
            Some(Token::Text) => Ok(Expr::Text),
            Some(Token::Bytes) => Ok(Expr::Bytes),
            Some(Token::Number) => Ok(Expr::Number),
            Some(Token::Name(name)) if self.take("(") => Ok(Expr::Call(None, name, self.list(")")?)),
            Some(Token::Name(name)) => Ok(Expr::Name(name)),
            Some(Token::Sign("[")) => Ok(Expr::List(self.list("]")?)),
            Some(Token::Sign("{")) => self.map(),
            Some(Token::Sign("(")) => {
                let expr = self.expr()?;
                self.need(")")?;
                Ok(expr)
            }
            token => Err(unexpected(token.as_ref())),
        }
    }

    /// Expressions with commas between, up to the closing sign; one comma more is allowed in lists.
    fn list(&mut self, end: &str) -> Result<Vec<Expr>, String> {
        let mut items = Vec::new();
        while !self.take(end) {
            items.push(self.expr()?);
            if !self.take(",") {
                self.need(end)?;
                break;
            }
        }
        Ok(items)
    }

    fn map(&mut self) -> Result<Expr, String> {
        let mut entries = Vec::new();
        while !self.take("}") {
            let key = self.expr()?;
            self.need(":")?;
            entries.push((key, self.expr()?));
            if !self.take(",") {
                self.need("}")?;
                break;
            }
        }
        Ok(Expr::Map(entries))
    }

    fn name(&mut self) -> Result<String, String> {
        match self.tokens.next() {
            Some(Token::Name(name)) => Ok(name),
            token => Err(unexpected(token.as_ref())),
        }
    }

    fn take(&mut self, sign: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Sign(found) if *found == sign)).is_some()
    }

    fn need(&mut self, sign: &str) -> Result<(), String> {
        if self.take(sign) { Ok(()) } else { Err(format!("`{sign}` is missing: {}", unexpected(self.tokens.peek()))) }
    }
}

fn unexpected(token: Option<&Token>) -> String {
    match token {
        None => "it ends too early".to_owned(),
        Some(Token::Name(name)) => format!("`{name}` is not expected"),
        Some(Token::Sign(sign)) => format!("`{sign}` is not expected"),
        Some(_) => "a text or number is not expected".to_owned(),
    }
}
