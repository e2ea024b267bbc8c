//! A real browser with the live board open, which says when each call was painted (`benches/paint.mjs`).

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Lines},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, SystemTime},
};

use anyhow::{Context, ensure};

/// The browser.
pub struct Board {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Drop for Board {
    fn drop(&mut self) {
        // One that has ended is no more to be ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Board {
    /// Opens it. Nothing where there is no browser, or none of the files that one loads.
    ///
    /// # Errors
    /// The page does not come to be live.
    pub fn open(address: SocketAddr, session: &str) -> anyhow::Result<Option<Self>> {
        let missing =
            ["node_modules/playwright-core", "target/site/pkg"].into_iter().find(|path| !Path::new(path).is_dir());
        if let Some(path) = missing {
            println!("painting is not measured: {path} is missing (make build, scripts/bootstrap test)");
            return Ok(None);
        }
        let mut child = Command::new("node")
            .args(["benches/paint.mjs", &format!("http://{address}"), session])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let said = BufReader::new(child.stdout.take().context("no output")?).lines();
        let mut board = Self { child, said };
        let opened = board.said.next().context("the browser ended")??;
        ensure!(opened == "open", "{opened}");
        Ok(Some(board))
    }

    /// When each call was painted.
    ///
    /// # Errors
    /// The browser ended before.
    pub fn close(mut self) -> anyhow::Result<HashMap<u128, SystemTime>> {
        drop(self.child.stdin.take());
        let mut painted = HashMap::new();
        for line in self.said.by_ref() {
            let line = line?;
            let (id, at) = line.split_once(' ').context("no time")?;
            let id = id.strip_prefix("call_").and_then(|hex| u128::from_str_radix(hex, 16).ok()).context("no call")?;
            painted.insert(id, SystemTime::UNIX_EPOCH + Duration::from_secs_f64(at.parse::<f64>()? / 1000.0));
        }
        ensure!(self.child.wait()?.success(), "the browser failed");
        Ok(painted)
    }
}
