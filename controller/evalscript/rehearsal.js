// A dry run of an evalscript over a few synthetic pixels and scenes; reports what it read, returned and failed at.
// Evaluates to one function, which the harness calls with its functions (`harness`) and the stage. Stage and report are
// JSON, see controller/model/script.py. A script cannot corrupt the report: built-ins are copied before it runs.
(function () {
  "use strict";

  const { parse, stringify } = JSON;
  const { isArray } = Array;
  const { isView } = ArrayBuffer;
  const { create, getPrototypeOf, keys } = Object;
  const { getOwnPropertyDescriptor: descriptorOf } = Reflect;
  const [Watch, DateOf, toText, NaNumber] = [Proxy, Date, String, NaN];
  const { isFinite, isInteger } = Number;
  const own = Function.prototype.call.bind(Object.prototype.hasOwnProperty);
  const part = Function.prototype.call.bind(String.prototype.slice);
  const iso = Function.prototype.call.bind(Date.prototype.toISOString);
  const time = Function.prototype.call.bind(Date.prototype.getTime);
  const { now } = Date;
  const arrays = Array.prototype;
  const engineErrors = [TypeError, ReferenceError, RangeError, SyntaxError, URIError, EvalError].map((e) => e.prototype);
  const everywhere = globalThis;

  const DAY = 86400000;
  const MOST_DAYS = 5000;
  const MANY = 8; // scenes of an ordinary pixel, and samples whose reading is recorded
  const VERY_MANY = 1000; // scenes of a pixel when all others failed
  const MOST_FAILURES = 60;
  const MOST_KEYS = 20;
  const LONGEST = 2000; // characters of a message or of a stack
  const ENOUGH = 1000; // milliseconds, after which a slow script is tried on no more pixels than it must
  const PATIENCE = 1500; // milliseconds of looking for any pixel that succeeds
  // What setup() may return, and inside that each element of `input` and `output`.
  const KEYS = {
    "": ["input", "output", "mosaicking"],
    input: ["bands", "units", "metadata", "datasource", "mosaicking"],
    output: ["id", "bands", "sampleType", "nodataValue"],
  };

  // ---- what happened -------------------------------------------------------------------------------------------

  let report = {};

  // `engine`: the engine threw it, not the script itself: only then can it be a bug.
  function described(error) {
    let [message, stack, engine] = ["an exception", "", false];
    try {
      const isObject = typeof error === "object" && error !== null;
      message = toText(error);
      if (isObject && typeof error.stack === "string") stack = error.stack;
      const prototype = isObject ? getPrototypeOf(error) : null;
      for (let i = 0; i < engineErrors.length; i++) engine = engine || prototype === engineErrors[i];
    } catch {
      engine = false;
    }
    return { message: part(message, 0, LONGEST), stack: part(stack, -LONGEST), engine };
  }

  // Counts a trial of a step and records its complaint (a sentence) or exception. Returns whether it succeeded.
  function attempt(step, situation, kind, work) {
    report.trials[step] = (report.trials[step] || 0) + 1;
    let failure = null;
    try {
      const complaint = work();
      if (!complaint) return true;
      failure = { message: complaint, stack: "", engine: true, complaint: true };
    } catch (error) {
      failure = described(error);
    }
    const { failures } = report;
    report.failed[step] = (report.failed[step] || 0) + 1;
    if (failures.length < MOST_FAILURES) failures[failures.length] = { step, situation, kind, ...failure };
    return false;
  }

  // ---- scenes --------------------------------------------------------------------------------------------------

  function listName(source) {
    return source.mode === "ORBIT" ? "orbits" : "tiles";
  }

  function tile(source, day, number) {
    const found = {
      date: day + "T10:0" + (number % 10) + ":31Z",
      shId: 1000000 + number,
      cloudCoverage: (number * 7) % 100,
      dataPath: "rehearsal://" + source.type + "/" + day + "/" + number,
    };
    if (!source.bounds) return found;
    const box = { type: "Polygon", coordinates: [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]], crs: source.crs };
    return { ...found, dataGeometry: box, dataEnvelope: box };
  }

  function scene(source, day, number) {
    if (source.mode === "TILE") return { ...tile(source, day, number), __idx: number };
    return { dateFrom: day + "T00:00:00Z", dateTo: day + "T23:59:59Z", __idx: number };
  }

  function firstAndLast(source) {
    return [time(new DateOf(part(source.from, 0, 10) + "T00:00:00Z")), time(new DateOf(part(source.to, 0, 10) + "T00:00:00Z"))];
  }

  // Whether there are more days than are shown: how many scenes of them a script would keep is not known.
  function isCut(source) {
    const [first, last] = firstAndLast(source);
    return (last - first) / DAY >= MOST_DAYS;
  }

  // One scene for every day (two when they are tiles), in the order of the request.
  function scenesOf(source) {
    const days = [];
    const [first, last] = firstAndLast(source);
    for (let day = last; day >= first && days.length < MOST_DAYS; day -= DAY) days[days.length] = day;
    const found = [];
    for (let i = 0; i < days.length; i++) {
      const name = part(iso(new DateOf(days[source.ascending ? days.length - 1 - i : i])), 0, 10);
      found[found.length] = scene(source, name, found.length);
      if (source.mode === "TILE") found[found.length] = scene(source, name, found.length);
    }
    return found;
  }

  // Second argument of evaluatePixel: the chosen scenes, now with their tiles.
  function documentOf(source, scenes) {
    if (source.mode === "SIMPLE") return {};
    const found = [];
    for (let i = 0; i < scenes.length; i++) {
      found[i] = { ...scenes[i], __idx: i };
      if (source.mode === "ORBIT") found[i].tiles = [tile(source, part(scenes[i].dateFrom, 0, 10), i)];
    }
    return { [listName(source)]: found };
  }

  function byName(sources, valueOf) {
    const named = {};
    for (let i = 0; i < sources.length; i++) named[sources[i].name] = valueOf(sources[i], i);
    return named;
  }

  function collectionsOf(sources, lists) {
    return byName(sources, (source, i) => {
      if (source.mode === "SIMPLE") return { from: source.from, to: source.to, scenes: {} };
      return { from: source.from, to: source.to, scenes: { [listName(source)]: lists[i] } };
    });
  }

  // ---- pixels --------------------------------------------------------------------------------------------------

  // A sample that records what is read of it: its bands, and anything else.
  function watched(sample, source) {
    const read = report.read[source.name];
    const missing = report.missing[source.name];
    const note = (target, key) => {
      if (own(target, key)) read[key] = true;
      else if (typeof key === "string" && !(key in target)) missing[key] = missing[key] !== false;
    };
    return new Watch(sample, {
      get(target, key) {
        note(target, key);
        return target[key];
      },
      has(target, key) {
        if (typeof key === "string" && !own(target, key)) missing[key] = false; // the script checks before it reads
        return key in target;
      },
      getOwnPropertyDescriptor(target, key) {
        if (typeof key === "string" && !own(target, key)) missing[key] = false;
        return descriptorOf(target, key);
      },
    });
  }

  // Recording is slow: of very many samples only the first are watched.
  function sampleOf(source, value, number) {
    const sample = {};
    for (let i = 0; i < source.bands.length; i++) sample[source.bands[i]] = value(i, source.bands[i] === "dataMask");
    return number < MANY ? watched(sample, source) : sample;
  }

  // The scenes of a request without fusion; notes when they are read as the array that they once were.
  function watchedScenes(scenes) {
    if (scenes === report.shown || getPrototypeOf(scenes) !== arrays) return scenes;
    report.shown = new Watch(scenes, {
      get(target, key) {
        const isOther = key === "orbits" || key === "tiles" || key === "constructor" || key === "toString";
        if (!isOther && (own(target, key) || own(arrays, key))) report.array = true;
        return target[key];
      },
    });
    return report.shown;
  }

  // By kind of pixel, the value of band number i of sample number k. `more` has the other rows of likely values, each a
  // kind named by its number.
  const kinds = {
    data: (source, k) => (i) => source.values[k % 2][i],
    other: (source, k) => (i) => source.values[(k + 1) % 2][i],
    empty: (source) => (_i, isMask) => (source.blank === null && !isMask ? NaNumber : 0),
    zero: () => (_i, isMask) => (isMask ? 1 : 0),
    large: (source) => (i) => source.large[i],
  };

  function more(stage) {
    const { length } = stage.sources[0].values;
    const found = {};
    for (let row = 2; row < length; row++) {
      found[row] = (source, k) => (i) => source.values[(row + k) % length][i];
    }
    return found;
  }

  function samplesOf(harness, stage, counts, kind) {
    const of = (source, i) => {
      const list = [];
      for (let k = 0; k < counts[i]; k++) list[k] = sampleOf(source, kind(source, k), k);
      return list;
    };
    if (stage.fusion) return byName(stage.sources, of);
    const [{ also, mode, name }] = stage.sources;
    const only = of(stage.sources[0], 0);
    const samples = mode === "SIMPLE" ? only[0] : only;
    if (also) report.missing[name][also] = false;
    if (also) harness.hide(samples, also, only);
    return samples;
  }

  function isList(values) {
    return isArray(values) || isView(values);
  }

  function numbers(values) {
    const found = [];
    for (let i = 0; isList(values) && i < values.length && i < 100; i++) {
      const value = typeof values[i] === "boolean" ? +values[i] : values[i];
      found[i] = typeof value === "number" && isFinite(value) ? value : null;
    }
    return found;
  }

  // All outputs, and whether they have to be returned.
  function marked(stage, outputs) {
    const found = [];
    const wanted = delivered(stage, outputs);
    for (let i = 0; i < outputs.length; i++) {
      found[i] = { ...outputs[i], delivered: false };
      for (let k = 0; k < wanted.length; k++) found[i].delivered = found[i].delivered || wanted[k] === outputs[i];
    }
    return found;
  }

  function delivered(stage, outputs) {
    const found = [];
    for (let i = 0; i < outputs.length; i++) {
      for (let k = 0; k < stage.delivered.length; k++) {
        if (outputs[i].id === stage.delivered[k]) found[found.length] = outputs[i];
      }
    }
    return found;
  }

  function answered(answer, outputs) {
    if (isList(answer)) return outputs.length === 1 ? { [outputs[0].id]: numbers(answer) } : {};
    const found = {};
    for (let i = 0; answer && i < outputs.length; i++) found[outputs[i].id] = numbers(answer[outputs[i].id]);
    return found;
  }

  // Notes the first element that is itself an array, by output and position.
  function noteNested(answer, outputs) {
    for (let i = 0; report.nested === null && i < outputs.length; i++) {
      const values = isArray(answer) ? answer : answer[outputs[i].id];
      for (let k = 0; isArray(values) && k < values.length && k < 100; k++) {
        if (isArray(values[k]) || isView(values[k])) {
          report.nested = [outputs[i].id, k];
          return;
        }
      }
    }
  }

  // ---- the performance -----------------------------------------------------------------------------------------

  function chosen(harness, stage, lists) {
    const plan = harness.plans({
      collections: collectionsOf(stage.sources, lists), fusion: stage.fusion, preprocess: true, outputs: [],
    });
    if (plan.complaint) return plan;
    const complaint = "preProcessScenes may only drop or reorder the scenes it was given, not make or repeat any";
    const kept = [];
    for (let i = 0; i < lists.length; i++) {
      kept[i] = [];
      const indexes = plan.kept[stage.sources[i].name];
      for (let k = 0; k < indexes.length; k++) {
        if (!isInteger(indexes[k]) || !lists[i][indexes[k]]) return { complaint };
        kept[i][k] = lists[i][indexes[k]];
      }
    }
    return { kept };
  }

  // `none`: an output of no bands at all, as the documented example makes it where there is no scene. What the service
  // does then is not documented, so that it counts for nothing.
  function resized(harness, stage, lists) {
    const outputs = stage.outputs;
    const collections = collectionsOf(stage.sources, lists);
    const plan = harness.plans({ collections, fusion: stage.fusion, preprocess: false, outputs, update: true });
    const found = [];
    for (let i = 0; i < outputs.length; i++) {
      const bands = plan.bands[outputs[i].id];
      if (bands === 0 && lacksScenes(stage, lists)) return { none: true };
      if (!isInteger(bands) || bands < 1) {
        const left = stringify(bands) + " as the bands of output " + stringify(outputs[i].id);
        return { complaint: "updateOutput left " + left + "; it must be 1 or more" };
      }
      found[i] = { ...outputs[i], bands };
    }
    return { outputs: found };
  }

  function lacksScenes(stage, lists) {
    for (let i = 0; i < lists.length; i++) if (hasScenes(stage.sources[i]) && !lists[i].length) return true;
    return false;
  }

  function hasScenes(source) {
    return source.mode !== "SIMPLE" && !source.always;
  }

  function noteBands(outputs) {
    for (let i = 0; i < outputs.length; i++) {
      const { id, bands } = outputs[i];
      const found = report.resized[id] || (report.resized[id] = []);
      found[found.length] = bands;
    }
  }

  function total(lists) {
    let count = 0;
    for (let i = 0; i < lists.length; i++) count += lists[i].length;
    return count;
  }

  // The scenes after preProcessScenes; all of them when it drops everything, since it may keep more realistic ones.
  function afterChoice(harness, stage, situation, lists) {
    let kept = lists;
    attempt("preProcessScenes", situation, "", () => {
      const plan = chosen(harness, stage, lists);
      if (plan.kept && total(plan.kept)) kept = plan.kept;
      if (plan.kept && report.kept && situation === "several") report.kept[0] = total(plan.kept);
      return plan.complaint;
    });
    return kept;
  }

  function firstOf(list, most) {
    const found = [];
    for (let i = 0; i < list.length && i < most; i++) found[i] = list[i];
    return found;
  }

  // The first scenes of each datasource, at most this many. A script that chooses scenes sees only these, so that what
  // it stores about them matches.
  function fewer(harness, stage, scenes, most) {
    const shown = byIndex(stage, (_source, i) => firstOf(scenes[i], most));
    if (!harness.script.preProcessScenes || total(shown) === total(scenes)) return shown;
    try {
      const plan = chosen(harness, stage, shown);
      return plan.kept && total(plan.kept) ? plan.kept : shown;
    } catch {
      return shown;
    }
  }

  // Prepares the evaluation of pixels; returns how many samples each datasource has.
  function begin(harness, stage, { outputs, scenes, absent }) {
    const documents = byName(stage.sources, (source, i) => documentOf(source, scenes[i]));
    harness.begin(marked(stage, outputs), stage.fusion ? documents : documents[stage.sources[0].name], stage.fusion);
    if (!stage.fusion) harness.view(watchedScenes);
    return byIndex(stage, (source, i) => (hasScenes(source) ? scenes[i].length : absent[i] ? 0 : 1));
  }

  function perform(harness, stage, { situation, lists, absent }) {
    const { script } = harness;
    let scenes = lists;
    if (script.preProcessScenes && stage.scenes) scenes = afterChoice(harness, stage, situation, lists);
    scenes = fewer(harness, stage, scenes, MANY);
    let { outputs } = stage;
    let [sized, hasBands] = [true, true];
    if (script.updateOutput) {
      sized = attempt("updateOutput", situation, "", () => {
        const plan = resized(harness, stage, scenes);
        outputs = plan.outputs || outputs;
        hasBands = !plan.none;
        noteBands(plan.outputs || []);
        return plan.complaint;
      });
      if (!hasBands) report.trials.updateOutput--;
    }
    const counts = begin(harness, stage, { outputs, scenes, absent });
    const before = globalsNow();
    // Without its outputs a script cannot be blamed for what it returns.
    if (sized && hasBands) evaluateKinds(harness, stage, { situation, counts, outputs });
    noteGlobals(before);
    if (script.updateOutputMetadata) {
      attempt("updateOutputMetadata", situation, "", () => {
        harness.end();
      });
    }
    attemptUserData(harness, situation);
    return { outputs, scenes, absent, lists };
  }

  // Whether the user data can be written as JSON, where there are any.
  function attemptUserData(harness, situation) {
    let [text, complaint] = ["{}", ""];
    try {
      text = harness.userData();
    } catch (error) {
      complaint = "outputMetadata.userData cannot be written as JSON: " + described(error).message;
    }
    if (complaint || text !== "{}") attempt("userData", situation, "", () => complaint);
  }

  function evaluateKinds(harness, stage, { situation, counts, outputs }) {
    const begun = now();
    let samples = 0;
    for (let i = 0; i < counts.length; i++) samples += counts[i];
    const wanted = delivered(stage, outputs);
    const evaluate = (name, kind) => {
      attempt("evaluatePixel", situation, samples ? name : "", () => {
        const { answer, complaint } = harness.evaluateOne(samplesOf(harness, stage, counts, kind));
        if (typeof answer === "object" && answer !== null) noteNested(answer, wanted);
        if (!complaint && situation === "several") report.answers[name] = answered(answer, wanted);
        return complaint;
      });
    };
    const names = samples ? keys(kinds) : ["data"];
    for (let i = 0; i < names.length; i++) evaluate(names[i], kinds[names[i]]);
    if (situation !== "several" || !samples) return;
    const others = more(stage);
    const rows = keys(others);
    for (let i = 0; i < rows.length && now() - begun < ENOUGH; i++) evaluate(rows[i], others[rows[i]]);
    if (now() - begun < ENOUGH) repeat(harness, stage, { counts, wanted, kinds: { ...kinds, ...others } });
  }

  // The same pixels in another order: whether an answer depends on the pixels before it.
  function repeat(harness, stage, { counts, wanted, kinds: all }) {
    const names = keys(report.answers);
    for (let i = names.length - 1; i >= 0; i--) {
      try {
        const { answer } = harness.evaluateOne(samplesOf(harness, stage, counts, all[names[i]]));
        if (stringify(answered(answer, wanted)) !== stringify(report.answers[names[i]])) report.unsteady = true;
      } catch {
        report.unsteady = true;
      }
    }
  }

  // As many scenes as possible, whether or not the script would choose them.
  function withAll(harness, stage, { outputs, lists, absent }) {
    try {
      const scenes = fewer(harness, stage, lists, VERY_MANY);
      const plan = harness.script.updateOutput ? resized(harness, stage, scenes) : {};
      return { outputs: plan.outputs || outputs, scenes, absent };
    } catch {
      return { outputs, scenes: lists, absent };
    }
  }

  // When every pixel failed: whether it would succeed with any other value or number of scenes.
  function lastChance(harness, stage, show) {
    const begun = now();
    let counts = [];
    const works = (kind) => {
      try {
        return !harness.evaluateOne(samplesOf(harness, stage, counts, kind)).complaint;
      } catch {
        return false;
      }
    };
    if (stage.scenes) {
      counts = begin(harness, stage, withAll(harness, stage, show));
      if (works(kinds.data)) return true;
    }
    counts = begin(harness, stage, show);
    if (works(() => () => 10000)) return true;
    for (let value = -20; value <= 300 && now() - begun < PATIENCE; value++) {
      if (works(() => (_i, isMask) => (isMask ? 1 : value))) return true;
      if (works(() => (_i, isMask) => (isMask ? 1 : value / 20))) return true;
    }
    return false;
  }

  function situations(stage, lists) {
    const [none, one, present] = [[], [], []];
    for (let i = 0; i < stage.sources.length; i++) {
      none[i] = [];
      one[i] = lists[i].length ? [{ ...lists[i][0] }] : [];
      present[i] = false;
    }
    const found = [{ situation: "several", lists, absent: present }];
    if (!stage.scenes && !stage.fusion) return found;
    if (stage.scenes) found[1] = { situation: "one", lists: one, absent: present };
    found[found.length] = { situation: "none", lists: none, absent: byIndex(stage, (s) => !s.always) };
    for (let i = 0; stage.fusion && i < stage.sources.length; i++) {
      if (stage.sources[i].always) continue;
      const without = byIndex(stage, (_s, k) => (k === i ? [] : lists[k]));
      const absent = byIndex(stage, (_s, k) => k === i);
      found[found.length] = { situation: "without " + stage.sources[i].name, lists: without, absent };
    }
    return found;
  }

  function byIndex(stage, valueOf) {
    const found = [];
    for (let i = 0; i < stage.sources.length; i++) found[i] = valueOf(stage.sources[i], i);
    return found;
  }

  function third(list) {
    const found = [];
    for (let i = 0; i < list.length; i += 3) found[found.length] = list[i];
    return found;
  }

  // How many scenes preProcessScenes keeps of one in three days, as the price assumes.
  function countedThird(harness, stage, list) {
    try {
      const plan = chosen(harness, stage, [third(list)]);
      return plan.complaint ? null : total(plan.kept);
    } catch {
      return null;
    }
  }

  // What the filterScenes of an older script would have kept of one scene in three days: [kept, total].
  function filtered(harness, stage, daily) {
    try {
      const source = stage.sources[0];
      const given = [];
      const list = third(daily);
      for (let i = 0; i < list.length; i++) given[i] = { date: new DateOf(list[i].dateFrom || list[i].date), idx: i };
      const metadata = { from: new DateOf(source.from), to: new DateOf(source.to) };
      const kept = (0, harness.script.filterScenes)(given, metadata);
      return isArray(kept) ? [kept.length, list.length] : null;
    } catch {
      return null;
    }
  }

  // Only what a script defined is enumerable.
  function globalsNow() {
    const names = keys(everywhere);
    const found = {};
    for (let i = 0; i < names.length; i++) found["$" + names[i]] = everywhere[names[i]];
    return found;
  }

  function noteGlobals(before) {
    const now = globalsNow();
    const names = keys(now);
    for (let i = 0; i < names.length; i++) {
      const [was, is] = [before[names[i]], now[names[i]]];
      if (was !== is && !(was !== was && is !== is)) report.globals[part(names[i], 1)] = true;
    }
  }

  // The keys of setup()'s return value that its documentation does not know, as [place, key]. It is called once more for
  // them, after everything else.
  function noteKeys(harness) {
    const look = (place, value) => {
      if (typeof value !== "object" || value === null || isArray(value)) return;
      const names = keys(value);
      for (let i = 0; i < names.length && report.keys.length < MOST_KEYS; i++) {
        let known = false;
        for (let k = 0; k < KEYS[place].length; k++) known = known || KEYS[place][k] === names[i];
        if (!known) report.keys[report.keys.length] = [place, part(names[i], 0, 60)];
      }
    };
    try {
      const answer = (0, harness.script.setup)();
      look("", answer);
      const places = ["input", "output"];
      for (let i = 0; i < places.length; i++) {
        const value = answer[places[i]];
        if (!isArray(value)) look(places[i], value);
        for (let k = 0; isArray(value) && k < value.length && k < 100; k++) look(places[i], value[k]);
      }
    } catch {
      report.keys = [];
    }
  }

  return function rehearsal(harness, text) {
    const stage = parse(text);
    const empty = () => ({});
    report = {
      trials: {}, failed: {}, failures: [], answers: {}, globals: {}, kept: null, filtered: null,
      nested: null, resized: create(null), unsteady: false, array: false, shown: null, keys: [],
      read: byName(stage.sources, empty), missing: byName(stage.sources, empty),
    };
    const single = stage.scenes && !stage.fusion;
    const lists = byIndex(stage, (source) => (source.mode === "SIMPLE" || source.always ? [] : scenesOf(source)));
    if (single && harness.script.filterScenes) report.filtered = filtered(harness, stage, lists[0]);
    if (single && harness.script.preProcessScenes && !isCut(stage.sources[0])) report.kept = [null, countedThird(harness, stage, lists[0])];
    const shows = situations(stage, lists);
    let first = null;
    for (let i = 0; i < shows.length; i++) {
      const shown = perform(harness, stage, shows[i]);
      first = first || shown;
    }
    const { trials, failed } = report;
    if (trials.evaluatePixel && failed.evaluatePixel === trials.evaluatePixel && lastChance(harness, stage, first)) trials.evaluatePixel++;
    noteKeys(harness);
    report.shown = null;
    return stringify(report);
  };
})()
//# sourceURL=rehearsal.js
