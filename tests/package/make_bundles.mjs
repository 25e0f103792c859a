// Bundles page_plain.js of the current folder with esbuild, rollup, webpack and Vite, and
// page_all.js with esbuild, and prints the sizes as JSON. It runs on Node, like these bundlers.

import { nodeResolve } from "@rollup/plugin-node-resolve";
import { build as esbuild, transform } from "esbuild";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { rollup } from "rollup";
import { build as vite } from "vite";
import webpack from "webpack";
import "./compile_less.mjs";

const project = process.cwd();

/** Returns an entry and its static imports, recursively. */
function initialOf(imports, entry) {
  const names = new Set();
  const add = (name) => {
    if (names.has(name) || imports[name] === undefined) return;
    names.add(name);
    imports[name].forEach(add);
  };
  add(entry);
  return names;
}

/** Measures a bundle. Each file has its text, and whether it is loaded initially. */
function measure(bundler, program, files, isOneFile = false) {
  const size = (some) =>
    some.reduce((sum, { text }) => sum + gzipSync(text, { level: 9 }).length, 0);
  const text = files.map((file) => file.text).join("\n");
  return {
    bundler,
    program,
    initial: size(files.filter(({ isInitial }) => isInitial)),
    total: size(files),
    isOneFile,
    nodeModules: text.match(/["']node:[a-z/]+["']/g) ?? [],
    // This string occurs only in the server's opening handshake.
    hasServer: text.includes("258EAFA5"),
  };
}

const ESBUILD = {
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  platform: "browser",
  write: false,
};

async function byEsbuild(program, entry) {
  const { outputFiles, metafile } = await esbuild({
    ...ESBUILD,
    entryPoints: [entry],
    splitting: true,
    outdir: "esbuild",
    metafile: true,
  });
  const imports = Object.fromEntries(
    Object.entries(metafile.outputs).map(([name, output]) => [
      name,
      output.imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => path),
    ]),
  );
  const [first] = Object.entries(metafile.outputs).find(([, { entryPoint }]) =>
    entryPoint === entry
  );
  const initial = initialOf(imports, first);
  return measure(
    "esbuild",
    program,
    outputFiles.map(({ path, text }) => ({
      text,
      isInitial: [...initial].some((name) => path.endsWith(name)),
    })),
  );
}

async function inOneFile(program, entry) {
  const { outputFiles } = await esbuild({ ...ESBUILD, entryPoints: [entry] });
  const [{ text }] = outputFiles;
  return measure("esbuild, one file", program, [{ text, isInitial: true }], true);
}

/** Reads the chunks written by rollup or a compatible bundler. */
async function chunks(output) {
  const imports = Object.fromEntries(
    output.map(({ fileName, imports = [] }) => [fileName, imports]),
  );
  const initial = initialOf(imports, output.find(({ isEntry }) => isEntry).fileName);
  return await Promise.all(output.map(async ({ fileName, code }) => ({
    text: (await transform(code, { minify: true, target: "es2022" })).code,
    isInitial: initial.has(fileName),
  })));
}

async function byRollup(program, entry) {
  const plugins = [nodeResolve({ browser: true, exportConditions: ["browser"] })];
  const bundle = await rollup({ input: entry, plugins });
  const { output } = await bundle.generate({ format: "esm" });
  return measure("rollup", program, await chunks(output));
}

async function byVite(program, entry) {
  const built = await vite({
    root: project,
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      target: "es2022",
      lib: { entry: join(project, entry), formats: ["es"], fileName: "main" },
    },
  });
  return measure("vite", program, await chunks([built].flat()[0].output));
}

async function byWebpack(program, entry) {
  const path = join(project, "webpack");
  rmSync(path, { recursive: true, force: true });
  const stats = await new Promise((resolve, reject) =>
    webpack({
      context: project,
      mode: "production",
      entry: `./${entry}`,
      output: { path, filename: "main.js" },
    }, (error, stats) => error ? reject(error) : resolve(stats))
  );
  if (stats.hasErrors()) throw new Error(stats.toString());
  const files = readdirSync(path).filter((name) => name.endsWith(".js")).map((name) => ({
    text: readFileSync(join(path, name), "utf8"),
    isInitial: name === "main.js",
  }));
  return measure("webpack", program, files);
}

const results = [];
/** Only esbuild bundles `all`, because the sizes of the other bundlers would hardly differ. */
const BUNDLERS = {
  plain: [byEsbuild, inOneFile, byRollup, byVite, byWebpack],
  all: [byEsbuild, inOneFile],
};
for (const [program, makers] of Object.entries(BUNDLERS)) {
  for (const make of makers) results.push(await make(program, `page_${program}.js`));
}
console.log(JSON.stringify(results));
