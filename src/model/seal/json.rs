//! JSON in the one way in which it is hashed: members in the order of their names' UTF-8 bytes, nothing between the tokens,
//! texts with as few escapes as JSON allows, numbers digit by digit as they were.
//!
//! Numbers go through no floating point: a changed digit must show, wherever it stands.

/// A text that is no JSON, or has a name twice, or is nested too deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not JSON that can be written in one way")]
pub struct BadJson;

const DEEPEST: u32 = 100;

/// Writes a JSON text in the one way.
///
/// # Errors
/// A text that is no JSON, has a name twice in one object, or is nested more than a hundred deep.
pub fn canonical(text: &str) -> Result<String, BadJson> {
    let mut reader = Reader { text, at: 0 };
    let mut out = String::with_capacity(text.len());
    reader.value(&mut out, 0)?;
    reader.space();
    if reader.at == text.len() { Ok(out) } else { Err(BadJson) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes one sign, after any space, if it is the next.
    fn takes(&mut self, sign: u8) -> bool {
        self.space();
        let is_next = self.peek() == Some(sign);
        if is_next {
            self.at += 1;
        }
        is_next
    }

    /// Everything from here that `belongs`.
    fn run(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let from = self.at;
        while self.peek().is_some_and(&belongs) {
            self.at += 1;
        }
        &self.text[from..self.at]
    }

    fn value(&mut self, out: &mut String, depth: u32) -> Result<(), BadJson> {
        if depth > DEEPEST {
            return Err(BadJson);
        }
        self.space();
        match self.peek().ok_or(BadJson)? {
            b'{' => self.object(out, depth),
            b'[' => self.array(out, depth),
            b'"' => {
                out.push_str(&written(&self.string()?)?);
                Ok(())
            }
            b'-' | b'0'..=b'9' => {
                let number = self.run(|b| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E') || b.is_ascii_digit());
                // Only whether it is a number: its digits are taken as they stand.
                serde_json::from_str::<serde_json::Number>(number).map_err(|_| BadJson)?;
                out.push_str(number);
                Ok(())
            }
            _ => {
                let word = self.run(|b| b.is_ascii_lowercase());
                if !matches!(word, "true" | "false" | "null") {
                    return Err(BadJson);
                }
                out.push_str(word);
                Ok(())
            }
        }
    }

    fn object(&mut self, out: &mut String, depth: u32) -> Result<(), BadJson> {
        self.at += 1;
        let mut members: Vec<(String, String)> = Vec::new();
        if !self.takes(b'}') {
            loop {
                self.space();
                let name = self.string()?;
                if !self.takes(b':') {
                    return Err(BadJson);
                }
                let mut value = String::new();
                self.value(&mut value, depth + 1)?;
                members.push((name, value));
                if !self.takes(b',') {
                    break;
                }
            }
            if !self.takes(b'}') {
                return Err(BadJson);
            }
        }
        members.sort_unstable();
        if members.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(BadJson);
        }
        out.push('{');
        for (place, (name, value)) in members.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            out.push_str(&written(name)?);
            out.push(':');
            out.push_str(value);
        }
        out.push('}');
        Ok(())
    }

    fn array(&mut self, out: &mut String, depth: u32) -> Result<(), BadJson> {
        self.at += 1;
        out.push('[');
        if self.takes(b']') {
            out.push(']');
            return Ok(());
        }
        loop {
            self.value(out, depth + 1)?;
            if !self.takes(b',') {
                break;
            }
            out.push(',');
        }
        out.push(']');
        if self.takes(b']') { Ok(()) } else { Err(BadJson) }
    }

    /// A text, without its escapes.
    fn string(&mut self) -> Result<String, BadJson> {
        if self.peek() != Some(b'"') {
            return Err(BadJson);
        }
        let from = self.at;
        self.at += 1;
        loop {
            match self.peek().ok_or(BadJson)? {
                b'"' => break,
                // Whatever is escaped, a quote above all, does not end the text.
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        serde_json::from_str(self.text.get(from..self.at).ok_or(BadJson)?).map_err(|_| BadJson)
    }
}

/// A text with its escapes: quote, backslash and control characters, and nothing else.
fn written(text: &str) -> Result<String, BadJson> {
    serde_json::to_string(text).map_err(|_| BadJson)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_written_in_one_way() {
        let same = [
            r#"{"b": [1, 2.50, -0], "a": {"é": null, "z": true}, "c": "x\ty"}"#,
            "\n{\"c\":\"x\\u0009y\" ,\"a\":{\"z\":true,\"\\u00e9\":null},\"b\":[ 1,2.50,-0 ]}\t",
        ];
        for text in same {
            let one = canonical(text).expect("JSON");
            assert_eq!(one, r#"{"a":{"z":true,"é":null},"b":[1,2.50,-0],"c":"x\ty"}"#);
            assert_eq!(canonical(&one).as_deref(), Ok(one.as_str()));
        }
        assert_eq!(canonical("{}").as_deref(), Ok("{}"));
        assert_eq!(canonical("[ ]").as_deref(), Ok("[]"));
        assert_eq!(canonical("\"\\\"\\\\\\/\\u001f\\ud83d\\ude00\"").as_deref(), Ok("\"\\\"\\\\/\\u001f😀\""));
    }

    #[test]
    fn no_digit_is_lost() {
        let number = "12345678901234567890123456789.00000000000000000001";
        assert_eq!(canonical(number).as_deref(), Ok(number));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        for bad in [
            "",
            "{",
            "{\"a\":1,}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":1,\"\\u0061\":2}",
            "[1,]",
            "nul",
            "1 2",
            "01",
            "+1",
            "\"a",
            "\"\\ud800\"",
            "'a'",
            deep.as_str(),
        ] {
            assert_eq!(canonical(bad), Err(BadJson), "{bad}");
        }
    }
}
