// Compiles standard-json inputs with the pinned npm solc, one a line on stdin, one answer a line on
// stdout. One process serves many inputs because loading the compiler costs more than a small
// contract. Sources are given whole in the input, so there is no import callback: an import that is
// not among them is an error, and nothing outside the repository can slip in.
"use strict";

const path = require("path");
const readline = require("readline");
const solc = require(path.join(__dirname, "..", "node_modules", "solc"));

process.stdout.write(JSON.stringify({ version: solc.version() }) + "\n");
readline
  .createInterface({ input: process.stdin, crlfDelay: Infinity })
  .on("line", (line) => process.stdout.write(solc.compile(line) + "\n"));
