//! A QR code as a drawing inside the page: one path of squares, so that the content policy needs no exception. White
//! around and behind it in dark mode too, because cameras look for dark on light.

use std::fmt::Write;

use leptos::prelude::*;
use qrcode::{Color, QrCode};

use crate::server::http::AppError;

/// The light border that cameras need, in squares (ISO/IEC 18004).
const QUIET: usize = 4;

/// What is drawn: how wide it is with its border, and its dark squares.
pub struct Picture {
    side: usize,
    dark: String,
}

impl Picture {
    /// The picture of a text.
    ///
    /// # Errors
    /// Internal when the text is too long for one.
    pub fn of(text: &str) -> Result<Self, AppError> {
        let code = QrCode::new(text).map_err(|e| AppError::Internal(Box::new(e)))?;
        Ok(Self { side: code.width() + 2 * QUIET, dark: dark(&code) })
    }

    /// The drawing, with words for those who do not see it.
    #[must_use]
    pub fn view(self, label: &'static str) -> AnyView {
        let Self { side, dark } = self;
        let frame = format!("0 0 {side} {side}");
        let ground = format!("M0 0h{side}v{side}H0z");
        view! {
            <svg
                class="size-60 max-w-full rounded-control"
                viewBox=frame
                role="img"
                aria-label=label
                shape-rendering="crispEdges"
            >
                <path class="fill-[#ffffff]" d=ground></path>
                <path class="fill-[#000000]" d=dark></path>
            </svg>
        }
        .into_any()
    }
}

/// The dark squares, a run of them in a row at a time.
fn dark(code: &QrCode) -> String {
    let width = code.width();
    let mut path = String::new();
    for y in 0..width {
        let mut x = 0;
        while x < width {
            let run = (x..width).take_while(|at| code[(*at, y)] == Color::Dark).count();
            if run > 0 {
                write!(path, "M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET).expect("writing to a string");
            }
            x += run.max(1);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws a path back into rows, as far as our own writer writes paths.
    fn rows(picture: &Picture) -> Vec<String> {
        let mut rows = vec![vec!['.'; picture.side]; picture.side];
        for run in picture.dark.split('M').filter(|run| !run.is_empty()) {
            let (corner, rest) = run.split_once('h').expect("a corner");
            let (x, y) = corner.split_once(' ').expect("two numbers");
            let length: usize = rest.split_once('v').expect("a length").0.parse().expect("a number");
            let (x, y): (usize, usize) = (x.parse().expect("a number"), y.parse().expect("a number"));
            rows[y][x..x + length].fill('#');
        }
        rows.into_iter().map(|row| row.into_iter().collect()).collect()
    }

    #[test]
    fn it_draws_what_the_code_says() {
        let text = "otpauth://totp/Ringfort:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Ringfort";
        let (picture, code) = (Picture::of(text).expect("fits"), QrCode::new(text).expect("fits"));
        let drawn = rows(&picture);
        assert_eq!(drawn.len(), code.width() + 8);
        let inside: Vec<String> =
            drawn[4..drawn.len() - 4].iter().map(|row| row[4..row.len() - 4].to_owned()).collect();
        assert_eq!(inside.join("\n"), code.to_debug_str('#', '.'));
        assert!(drawn[..4].iter().all(|row| !row.contains('#')), "a light border");
        assert!(Picture::of(&"x".repeat(3_000)).is_err());
    }

    #[test]
    fn the_drawing_has_words_and_no_styles() {
        let html = crate::server::http::render::to_html(|| Picture::of("x").expect("fits").view("A code"));
        assert!(html.contains("role=\"img\"") && html.contains("aria-label=\"A code\""), "{html}");
        assert!(html.contains("viewBox=\"0 0 29 29\"") && !html.contains("style"), "{html}");
    }
}
