// Builds ../static/{workbench,layers}.{js,css} and the licences of what is inside; `--tests` runs the tests instead.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const common = { bundle: true, format: "esm", jsx: "automatic", jsxImportSource: "preact", absWorkingDir: here };

const bundles = { workbench: "index.ts", layers: "layers.ts" };

async function buildBundle(name, folder) {
  const result = await esbuild.build({
    ...common,
    entryPoints: { [name]: `src/${bundles[name]}` },
    outdir: folder,
    minify: true,
    target: ["es2022", "chrome111", "firefox113", "safari16.4"],
    legalComments: "none",
    metafile: true,
  });
  await esbuild.build({
    ...common,
    bundle: true,
    entryPoints: { [name]: `src/${name}.css` },
    outdir: folder,
    minify: true,
    target: ["chrome111", "firefox113", "safari16.4"],
  });
  writeFileSync(join(folder, `${name}.licenses.txt`), licences(Object.keys(result.metafile.inputs)));
}

function licences(inputs) {
  const found = inputs.map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]).filter(Boolean);
  return [...new Set(found)].sort().map(licence).join("\n\n");
}

function licence(name) {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${version} (${license})\n\n${file ? readFileSync(join(folder, file), "utf8").trim() : ""}\n`;
}

async function runTests() {
  const folder = mkdtempSync(join(tmpdir(), "widget-tests-"));
  try {
    const names = readdirSync(join(here, "tests")).filter((name) => /\.test\.jsx?$/.test(name));
    const entryPoints = names.map((name) => `tests/${name}`);
    await esbuild.build({ ...common, entryPoints, outdir: folder, platform: "node", outExtension: { ".js": ".mjs" } });
    const built = readdirSync(folder).map((name) => join(folder, name));
    return spawnSync(process.execPath, ["--test", ...built], { stdio: "inherit" }).status ?? 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv.includes("--tests")) process.exitCode = await runTests();
else for (const name of Object.keys(bundles)) await buildBundle(name, join(here, "..", "static"));
