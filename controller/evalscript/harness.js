// Drives an evalscript: passes it pixels and scenes, takes and encodes what it returns.
// Evaluates to one function, which only the child process holds; its `this` is {step, argument, more}. A step returns
// its result or, when the script broke a rule, a message for the user; what the script throws passes through
// unchanged, so that the engine reports the position. Runs before the script and keeps its own copies of the built-ins
// it needs later, because a script may replace them. Rules: reference page "Evalscript V3" §3, §4, §6.
// `rehearsal` and `dated` are the values of rehearsal.js and dates.js; the child puts them together.
(function (rehearsal, dated) {
  "use strict";

  const { parse, stringify } = JSON;
  const { isArray } = Array;
  const { isView } = ArrayBuffer;
  const { create, defineProperty, keys } = Object;
  const arrayPrototype = Array.prototype;
  const [compile, toNumber, toText, DateOf, Buffer] = [Function, Number, String, Date, ArrayBuffer];
  const { isFinite } = Number;
  const { floor } = Math;
  const views = { float32: Float32Array, float64: Float64Array };
  // `stored` is source text: the stored number from `v`. Halves round up, then it is clamped; NaN is neither
  // above, below nor within any range and becomes 0. Storing into an unsigned plane truncates the fraction.
  const encodings = {
    AUTO: { View: Uint8Array, stored: "(v *= 255) >= 255 ? 255 : v > 0 ? v + 0.5 : 0" },
    UINT8: { View: Uint8Array, stored: "v >= 255 ? 255 : v > 0 ? v + 0.5 : 0" },
    UINT16: { View: Uint16Array, stored: "v >= 65535 ? 65535 : v > 0 ? v + 0.5 : 0" },
    INT8: { View: Int8Array, stored: "v >= 127 ? 127 : v > -128 ? floor(v + 0.5) : v <= -128 ? -128 : 0" },
    INT16: { View: Int16Array, stored: "v >= 32767 ? 32767 : v > -32768 ? floor(v + 0.5) : v <= -32768 ? -32768 : 0" },
    FLOAT32: { View: Float32Array, stored: "v" },
  };
  const UNROLLED = 16; // components with unrolled code; a script may declare any number

  const inputMetadata = { serviceVersion: "4.0.0", normalizationFactor: 0.0001 };
  const outputMetadata = {};
  const customData = {};
  const inputs = [];
  const writers = create(null);
  let targets = [];
  let script = {};
  let scenes = {};
  let scenesText = "{}";
  let makerKey = "";
  let makerSource = null;

  // ---- setup ---------------------------------------------------------------------------------------------------

  // JSON has no NaN, but nodataValue may be one.
  function finite(_key, value) {
    return typeof value === "number" && !isFinite(value) ? toText(value) : value;
  }

  // Takes the script's functions by their known names; returns which of them it defines and what setup() returns.
  function begin(functions) {
    script = functions;
    const known = keys(functions);
    const defined = [];
    for (let i = 0; i < known.length; i++) {
      if (functions[known[i]]) defined[defined.length] = known[i];
    }
    const answer = script.setup ? stringify((0, script.setup)(), finite) : null;
    return stringify({ functions: defined, answer: typeof answer === "string" ? answer : null });
  }

  // ---- scenes --------------------------------------------------------------------------------------------------

  function listOf(holder) {
    if (!holder) return undefined;
    return holder.orbits === undefined ? holder.tiles : holder.orbits;
  }

  // A property for scripts of another habit, unless there is one of this name.
  function hide(holder, name, value) {
    if (holder[name] === undefined) defineProperty(holder, name, { value, writable: true, configurable: true });
  }

  // Scripts written for the older shape read `scenes[0].date` and `.idx`, hence the hidden array interface of the
  // scenes object. There `date` is a Date, while that of a tile is documented as text.
  function sceneView(holder) {
    const list = listOf(holder);
    if (!list) return holder;
    const view = create(arrayPrototype, { length: { value: list.length } });
    if (holder.orbits) view.orbits = list;
    else view.tiles = list;
    for (let i = 0; i < list.length; i++) {
      const scene = list[i];
      hide(scene, "idx", i);
      if (holder.orbits) hide(scene, "date", dated(scene.dateFrom));
      defineProperty(view, i, { value: holder.orbits ? scene : { ...scene, date: dated(scene.date), idx: i } });
    }
    return view;
  }

  // An array of what the scenes say, with `date` and `idx`; it also has `.orbits` or `.tiles`.
  function datedScenes(holder) {
    const list = listOf(holder);
    const found = [];
    if (!list) return found;
    for (let i = 0; i < list.length; i++) {
      found[i] = { ...list[i], date: dated(list[i].dateFrom || list[i].date), idx: i };
    }
    if (holder.orbits) found.orbits = list;
    else found.tiles = list;
    return found;
  }

  function fusedScenes(holders) {
    const fused = {};
    const names = keys(holders);
    for (let i = 0; i < names.length; i++) fused[names[i]] = { scenes: datedScenes(holders[names[i]]) };
    return fused;
  }

  function useScenes(text, fusion) {
    if (text === scenesText) return;
    const given = parse(text);
    scenes = fusion ? fusedScenes(given) : sceneView(given);
    scenesText = text;
  }

  function prepared(collection) {
    if (collection.from) collection.from = new DateOf(collection.from);
    if (collection.to) collection.to = new DateOf(collection.to);
    const list = listOf(collection.scenes) || [];
    for (let i = 0; i < list.length; i++) {
      list[i].__idx = i;
      if (list[i].dateFrom) hide(list[i], "date", dated(list[i].dateFrom));
    }
  }

  function indexes(list) {
    const found = [];
    for (let i = 0; i < list.length; i++) found[i] = list[i] && list[i].__idx;
    return found;
  }

  // Leaves of the scenes what an older script's filterScenes keeps; returns a complaint if it keeps anything else.
  function keepFiltered(holder, shape, { from, to }) {
    const list = holder[shape];
    const kept = (0, script.filterScenes)(datedScenes(holder), { from: new DateOf(from), to: new DateOf(to) });
    const found = [];
    for (let i = 0; isArray(kept) && i < kept.length; i++) {
      const scene = kept[i] && list[kept[i].idx];
      if (scene) found[found.length] = scene;
    }
    if (!isArray(kept) || found.length < kept.length) return "filterScenes must return those of its scenes to keep";
    holder[shape] = found;
    return "";
  }

  // Without `update`, updateOutput is not called and the outputs do not change. `filter` has the time range for
  // filterScenes, which is called when the caller takes that for the service's way.
  function plan(request) {
    const { collections, fusion, preprocess, filter, outputs, update } = parse(request);
    const names = keys(collections);
    const shapes = {};
    for (let i = 0; i < names.length; i++) {
      const given = collections[names[i]];
      prepared(given);
      shapes[names[i]] = given.scenes && (given.scenes.orbits ? "orbits" : given.scenes.tiles ? "tiles" : undefined);
    }

    let kept = fusion ? collections : collections[""];
    if (preprocess && script.preProcessScenes) kept = (0, script.preProcessScenes)(kept);
    const answer = { kept: {}, bands: {} };
    const collection = {};
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      const of = fusion ? kept && kept[name] : kept;
      const holder = of && of.scenes;
      answer.kept[name] = [];
      if (shapes[name]) {
        const list = holder && holder[shapes[name]];
        if (!isArray(list)) return stringify({ complaint: lostScenes(fusion ? name + "." : "", shapes[name]) });
        const complaint = filter && script.filterScenes && !fusion ? keepFiltered(holder, shapes[name], filter) : "";
        if (complaint) return stringify({ complaint });
        answer.kept[name] = indexes(holder[shapes[name]]);
      }
      collection[name] = { scenes: datedScenes(holder) };
    }

    const described = {};
    for (let i = 0; i < outputs.length; i++) described[outputs[i].id] = { bands: outputs[i].bands };
    if (update && script.updateOutput) (0, script.updateOutput)(described, fusion ? collection : collection[""]);
    for (let i = 0; i < outputs.length; i++) {
      const { id } = outputs[i];
      const bands = described[id] && described[id].bands;
      answer.bands[id] = bands === undefined ? null : bands;
    }
    return stringify(answer, finite);
  }

  function lostScenes(name, shape) {
    return (
      "preProcessScenes must return the collections it was given, with the array collections." +
      name + "scenes." + shape + " inside; write `return collections` at its end"
    );
  }

  // ---- pixels in -----------------------------------------------------------------------------------------------

  // The memory the child fills with the planes of datasource number `position`.
  function input(position, bytes) {
    if (!inputs[position] || inputs[position].byteLength !== bytes) inputs[position] = new Buffer(bytes);
    return inputs[position];
  }

  function sampleLiteral(bands, view, at, pixels) {
    let fields = "";
    for (let b = 0; b < bands.length; b++) {
      fields += (b ? ", " : "") + stringify(bands[b]) + ": " + view + "[" + at + " + " + b * pixels + "]";
    }
    return "{" + fields + "}";
  }

  // Source text of a function from pixel number to the `samples` argument. Every pixel gets fresh objects, because
  // scripts sort, change and keep them; object literals are the cheapest way.
  function makerText(sources, pixels, single) {
    const also = sources[0].also ? stringify(sources[0].also) : "";
    if (single) {
      const sample = sampleLiteral(sources[0].bands, "v0", "p", pixels);
      if (!also) return "return function (p) { return " + sample + "; };";
      return "return function (p) { const a = " + sample + "; hide(a, " + also + ", [a]); return a; };";
    }
    let body = "";
    let fused = "";
    for (let i = 0; i < sources.length; i++) {
      const { name, bands, samples } = sources[i];
      const stride = bands.length * pixels;
      body +=
        "const a" + i + " = [];\n" +
        "for (let s = 0, o = p; s < " + samples + "; s++, o += " + stride + ") " +
        "a" + i + "[s] = " + sampleLiteral(bands, "v" + i, "o", pixels) + ";\n";
      fused += (i ? ", " : "") + stringify(name) + ": a" + i;
    }
    const plain = sources.length === 1 && sources[0].name === "";
    if (plain && also) body += "hide(a0, " + also + ", a0);\n";
    return "return function (p) {\n" + body + "return " + (plain ? "a0" : "{" + fused + "}") + ";\n};";
  }

  function maker({ sources, pixels, single }) {
    let header = '"use strict";\n';
    const planes = [];
    for (let i = 0; i < sources.length; i++) {
      header += "const v" + i + " = planes[" + i + "];\n";
      planes[i] = new views[sources[i].dtype](inputs[i]);
    }
    const text = header + makerText(sources, pixels, single);
    if (text !== makerKey) {
      makerSource = compile("planes", "hide", text);
      makerKey = text;
    }
    return makerSource(planes, hide);
  }

  // ---- pixels out ----------------------------------------------------------------------------------------------

  // Source text of a function that stores one pixel's values; unrolled, because it runs for every number.
  function storeText({ bands, sampleType }, pixels) {
    const one = (value, at) =>
      "v = " + value + "; if (typeof v !== 'number') v = toNumber(v); plane[" + at + "] = " +
      encodings[sampleType].stored + ";\n";
    let body = "";
    if (bands > UNROLLED) body = "for (let b = 0, o = p; b < " + bands + "; b++, o += " + pixels + ") {" + one("values[b]", "o") + "}";
    else for (let b = 0; b < bands; b++) body += one("values[" + b + "]", "p + " + b * pixels);
    return '"use strict";\nreturn function (values, p) {\nlet v;\n' + body + "};";
  }

  function target(output, pixels) {
    const { id, bands, sampleType, delivered } = output;
    const plane = new encodings[sampleType].View(bands * pixels);
    const text = storeText(output, pixels);
    if (!writers[text]) writers[text] = compile("plane", "toNumber", "floor", text);
    return { id, bands, delivered, plane, write: writers[text](plane, toNumber, floor) };
  }

  function prepareTargets(outputs, pixels) {
    targets = [];
    for (let i = 0; i < outputs.length; i++) targets[i] = target(outputs[i], pixels);
  }

  function storeValues(to, values, p) {
    const { bands } = to;
    if (values.length !== bands) {
      return (
        "Output " + stringify(to.id) + " needs an array of " + bands + (bands === 1 ? " number" : " numbers") +
        " (`bands` in setup), but evaluatePixel returned " + values.length
      );
    }
    to.write(values, p);
    return "";
  }

  // Typed arrays count as arrays. A DataView has no length and fits no output.
  function isList(values) {
    return isArray(values) || isView(values);
  }

  function outputNames() {
    let names = "";
    for (let i = 0; i < targets.length; i++) names += (i ? ", " : "") + stringify(targets[i].id) + ": [...]";
    return "{" + names + "}";
  }

  function storeObject(answer, p) {
    for (let i = 0; i < targets.length; i++) {
      const { id } = targets[i];
      const values = answer[id];
      if (values === undefined) {
        if (!targets[i].delivered) continue;
        return "evaluatePixel returned no output " + stringify(id) + "; it must return " + outputNames();
      }
      if (!isList(values)) return "Script must return an array.";
      const complaint = storeValues(targets[i], values, p);
      if (complaint) return complaint;
    }
    return "";
  }

  // Returning nothing leaves the initial zeros of the planes.
  function store(answer, p) {
    if (answer === undefined || targets.length === 0) return "";
    if (isList(answer)) {
      if (targets.length === 1) return storeValues(targets[0], answer, p);
      return "evaluatePixel returned one array, but setup has several outputs; it must return " + outputNames();
    }
    if (typeof answer !== "object" || answer === null) return "Script must return an array.";
    return storeObject(answer, p);
  }

  function evaluate(request) {
    const block = parse(request);
    const { pixels } = block;
    const evaluatePixel = script.evaluatePixel;
    useScenes(block.scenes, block.fusion);
    prepareTargets(block.outputs, pixels);
    const samples = maker(block);
    for (let p = 0; p < pixels; p++) {
      const answer = evaluatePixel(samples(p), scenes, inputMetadata, customData, outputMetadata);
      const complaint = store(answer, p);
      if (complaint) return complaint;
    }
    return "";
  }

  function output(position) {
    return targets[position].plane.buffer;
  }

  // ---- the end -------------------------------------------------------------------------------------------------

  function end() {
    if (script.updateOutputMetadata) (0, script.updateOutputMetadata)(scenes, inputMetadata, outputMetadata);
  }

  function userData() {
    return stringify(outputMetadata.userData) || "{}";
  }

  function finish() {
    end();
    return userData();
  }

  function rehearse(stage) {
    const plans = (request) => parse(plan(stringify(request)));
    const begin = (outputs, documents, fusion) => {
      prepareTargets(outputs, 1);
      useScenes(stringify(documents), fusion);
    };
    const evaluateOne = (samples) => {
      const answer = (0, script.evaluatePixel)(samples, scenes, inputMetadata, customData, outputMetadata);
      return { answer, complaint: store(answer, 0) };
    };
    const view = (as) => {
      scenes = as(scenes);
    };
    return rehearsal({ script, plans, begin, view, evaluateOne, end, userData, hide }, stage);
  }

  const steps = { begin, plan, input, evaluate, output, finish, rehearse };
  return function harness() {
    return steps[this.step](this.argument, this.more);
  };
})
//# sourceURL=harness.js
