// What every evalscript can use: constants, utility functions, visualizers.
// Written from the rules of reference page "Evalscript V3" §8 and §9. Runs once per realm, before the script.
// Everything is defined as configurable, so that a script may declare the same names for itself.
// `olderRamps`: colour ramps as documented in 2025. The child substitutes its choice for OLDER_RAMPS.
(function (olderRamps) {
  "use strict";

  const { floor, max: larger, min: smaller, pow } = Math;
  const isArray = Array.isArray;
  const sort = Function.prototype.call.bind(Array.prototype.sort);
  const LARGEST = 1.7976931348623157e308;

  function define(name, value) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }

  function choices(...names) {
    return Object.fromEntries(names.map((name) => [name, name]));
  }

  // Unlike Array.prototype.map, a script cannot replace it.
  function mapped(list, change) {
    const results = [];
    for (let i = 0; i < list.length; i++) results[i] = change(list[i], i);
    return results;
  }

  // ---- constants -----------------------------------------------------------------------------------------------

  const blueRed = [
    [1.0, 0x000080],
    [0.875, 0x0000ff],
    [0.625, 0x00ffff],
    [0.375, 0xffff00],
    [0.125, 0xff0000],
    [0.0, 0x800000],
  ];

  const redTemperature = [
    [1.0, 0x000000],
    [0.525, 0xae0000],
    [0.3, 0xff6e00],
    [0.25, 0xff8600],
    [0.0, 0xffffff],
  ];

  const greenWhite = [
    [1.0, 0x000000],
    [0.6, 0x006600],
    [0.3, 0x80b300],
    [0.0, 0xffffff],
  ];

  const oceanColor = [
    [0, [147, 0, 108]],
    [0.0471, [111, 0, 144]],
    [0.098, [72, 0, 183]],
    [0.149, [33, 0, 222]],
    [0.2, [0, 10, 255]],
    [0.2471, [0, 74, 255]],
    [0.298, [0, 144, 255]],
    [0.349, [0, 213, 255]],
    [0.4, [0, 255, 215]],
    [0.4471, [0, 255, 119]],
    [0.498, [0, 255, 15]],
    [0.549, [96, 255, 0]],
    [0.6, [200, 255, 0]],
    [0.6471, [255, 235, 0]],
    [0.698, [255, 183, 0]],
    [0.749, [255, 131, 0]],
    [0.8, [255, 79, 0]],
    [0.8471, [255, 31, 0]],
    [0.898, [230, 0, 0]],
    [0.949, [165, 0, 0]],
    [1, [105, 0, 0]],
  ].map((pair) => [pair[0], normalizeRGB(pair[1])]);

  const defaultColorMap = [
    [-1.0, 0x000000],
    [-0.2, 0xff0000],
    [-0.1, 0x9a0000],
    [0.0, 0x660000],
    [0.1, 0xffff33],
    [0.2, 0xcccc33],
    [0.3, 0x666600],
    [0.4, 0x33ffff],
    [0.5, 0x33cccc],
    [0.6, 0x006666],
    [0.7, 0x33ff33],
    [0.8, 0x33cc33],
    [0.9, 0x006600],
  ];

  // ---- numbers and colours -------------------------------------------------------------------------------------

  function index(x, y) {
    const sum = x + y;
    return sum === 0 ? 0 : (x - y) / sum;
  }

  function inverse(x) {
    return x === 0 ? LARGEST : 1 / x;
  }

  function int2rgb(colour) {
    return [(colour >> 16) & 255, (colour >> 8) & 255, colour & 255];
  }

  function rgb2int(rgb) {
    return (rgb[0] << 16) | (rgb[1] << 8) | rgb[2];
  }

  function normalizeRGB(rgb) {
    return mapped(rgb, (channel) => channel / 255);
  }

  function combine(first, second, alpha) {
    return mapped(first, (component, i) => component * alpha + second[i] * (1 - alpha));
  }

  // ASSUMED for all tables: listed from high to low they mean the same. The documentation shows ascending ones, many
  // published scripts list descending ones.
  function isFalling(limits) {
    return limits.length > 1 && limits[0] > limits[limits.length - 1];
  }

  function valueMap(value, limits, values) {
    if (!limits || !values) return value;
    const falls = isFalling(limits);
    for (let n = 0; n < limits.length; n++) {
      const i = falls ? limits.length - 1 - n : n;
      if (value <= limits[i]) return values[i];
    }
    return values[falls ? 0 : values.length - 1];
  }

  function colorMap(value, limits, colors) {
    if (!limits || !colors) return value;
    const falls = isFalling(limits);
    for (let n = 0; n < limits.length; n++) {
      const i = falls ? limits.length - 1 - n : n;
      if (value < limits[i]) return colors[i];
    }
    return colors[falls ? 0 : colors.length - 1];
  }

  function between(low, high, t) {
    if (!isArray(low)) return low + (high - low) * t;
    return mapped(low, (component, i) => component + (high[i] - component) * t);
  }

  function fresh(value) {
    return isArray(value) ? mapped(value, (component) => component) : value;
  }

  function valueInterpolate(value, limits, values) {
    if (!limits || !values) return value;
    const falls = isFalling(limits);
    let from = falls ? limits.length - 1 : 0;
    if (value <= limits[from]) return fresh(values[from]);
    for (let n = 1; n < limits.length; n++) {
      const to = falls ? from - 1 : from + 1;
      if (value <= limits[to]) {
        return between(values[from], values[to], (value - limits[from]) / (limits[to] - limits[from]));
      }
      from = to;
    }
    return fresh(values[from]);
  }

  function colorBlend(value, limits, colors) {
    return valueInterpolate(value, limits, colors);
  }

  // ---- quality bits --------------------------------------------------------------------------------------------

  // `fields` lists [name, first bit, number of bits].
  function decoded(value, fields) {
    const flags = {};
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i];
      flags[field[0]] = (value >>> field[1]) & ((1 << field[2]) - 1);
    }
    return flags;
  }

  const LANDSAT_COLLECTION_2 = [
    ["fill", 0, 1],
    ["dilatedCloud", 1, 1],
    ["cirrus", 2, 1],
    ["cloud", 3, 1],
    ["cloudShadow", 4, 1],
    ["snow", 5, 1],
    ["clear", 6, 1],
    ["water", 7, 1],
    ["cloudConfidence", 8, 2],
    ["cloudShadowConfidence", 10, 2],
    ["snowIceConfidence", 12, 2],
    ["cirrusConfidence", 14, 2],
  ];

  const LANDSAT_COLLECTION_1 = [
    ["designatedFill", 0, 1],
    ["terrainOcclusion", 1, 1],
    ["radiometricSaturation", 2, 2],
    ["cloud", 4, 1],
    ["cloudConfidence", 5, 2],
    ["cloudShadowConfidence", 7, 2],
    ["snowIceConfidence", 9, 2],
    ["cirrusConfidence", 11, 2],
  ];

  const OLCI_FLAGS_FROM_BIT_31_DOWN = [
    "land",
    "coastline",
    "fresh_inland_water",
    "tidal_region",
    "bright",
    "straylight_risk",
    "invalid",
    "cosmetic",
    "duplicated",
    "sun_glint_risk",
    "dubious",
  ];
  for (let band = 1; band <= 21; band++) {
    OLCI_FLAGS_FROM_BIT_31_DOWN.push("saturatedB" + (band < 10 ? "0" : "") + band);
  }
  const OLCI = OLCI_FLAGS_FROM_BIT_31_DOWN.map((name, position) => [name, 31 - position, 1]);

  function decodeL8C2Qa(value) {
    return decoded(value, LANDSAT_COLLECTION_2);
  }

  function decodeLs8Qa(value) {
    return decoded(value, LANDSAT_COLLECTION_1);
  }

  function decodeS3OLCIQualityFlags(value) {
    return decoded(value, OLCI);
  }

  // ---- visualizers ---------------------------------------------------------------------------------------------

  class Visualizer {
    processList(list) {
      return mapped(list, (value) => this.process(value));
    }
  }

  // Channels on the scale 0..255; an array is a normalised colour.
  function channels(colour) {
    return isArray(colour) ? [colour[0] * 255, colour[1] * 255, colour[2] * 255] : int2rgb(colour);
  }

  // The colours at ascending stops and, as whole 255ths, between them: `half` is 0.5 for the nearest, 0 for the one
  // below. NaN gets the last colour.
  function interpolated(value, stops, colours, half) {
    const last = stops.length - 1;
    if (value <= stops[0]) return normalizeRGB(colours[0]);
    if (!(value < stops[last])) return normalizeRGB(colours[last]);
    let i = 1;
    while (value > stops[i]) i++;
    const t = (value - stops[i - 1]) / (stops[i] - stops[i - 1]);
    const from = colours[i - 1];
    const to = colours[i];
    return [
      floor(to[0] * t + from[0] * (1 - t) + half) / 255,
      floor(to[1] * t + from[1] * (1 - t) + half) / 255,
      floor(to[2] * t + from[2] * (1 - t) + half) / 255,
    ];
  }

  // Pairs of a stop and a colour from the lowest stop to the highest, in whatever order they are listed. Of pairs with
  // the same stop the one listed nearer to the higher stops stays there.
  function inOrder(pairs) {
    const last = pairs.length - 1;
    const falls = last > 0 && pairs[0][0] > pairs[last][0];
    return sort(mapped(pairs, (pair, i) => (falls ? pairs[last - i] : pair)), (a, b) => a[0] - b[0]);
  }

  class ColourTable extends Visualizer {
    // Undocumented; published scripts use it in place of `process`.
    getColorFromValue(value) {
      return this.process(value);
    }
  }

  class ColorMapVisualizer extends ColourTable {
    constructor(pairs) {
      super();
      const ordered = inOrder(pairs);
      this.limits = mapped(ordered, (pair) => pair[0]);
      this.colors = mapped(ordered, (pair) => normalizeRGB(channels(pair[1])));
    }

    process(value) {
      let i = this.limits.length - 1;
      while (i > 0 && value < this.limits[i]) i--;
      return fresh(this.colors[i]);
    }

    static createDefaultColorMap() {
      return new ColorMapVisualizer(defaultColorMap);
    }
  }

  class ColorGradientVisualizer extends ColourTable {
    constructor(pairs, minVal = 0.0, maxVal = 1.0) {
      super();
      const ordered = inOrder(mapped(pairs, (pair) => [minVal * pair[0] + maxVal * (1 - pair[0]), pair[1]]));
      this.stops = mapped(ordered, (pair) => pair[0]);
      this.colors = mapped(ordered, (pair) => channels(pair[1]));
    }

    process(value) {
      return interpolated(value, this.stops, this.colors, 0.5);
    }

    static createWhiteGreen(minVal, maxVal) {
      return new ColorGradientVisualizer(greenWhite, minVal, maxVal);
    }

    static createRedTemperature(minVal, maxVal) {
      return new ColorGradientVisualizer(redTemperature, minVal, maxVal);
    }

    static createBlueRed(minVal, maxVal) {
      return new ColorGradientVisualizer(blueRed, minVal, maxVal);
    }
  }

  // The pairs with their lowest and highest stop moved to other values, and the ones between with them.
  function rescaled(ordered, minVal, maxVal) {
    const lowest = ordered[0][0];
    const highest = ordered[ordered.length - 1][0];
    const low = minVal ?? lowest;
    const high = maxVal ?? highest;
    if (low === lowest && high === highest) return ordered;
    return mapped(ordered, (pair) => {
      const t = highest === lowest ? 0 : (pair[0] - lowest) / (highest - lowest);
      return [low * (1 - t) + high * t, pair[1]];
    });
  }

  class ColorRampVisualizer extends ColourTable {
    constructor(ramps, minVal, maxVal) {
      super();
      const ordered = inOrder(rescaled(inOrder(ramps), minVal, maxVal));
      this.stops = mapped(ordered, (pair) => pair[0]);
      this.ramps = mapped(ordered, (pair) => pair[1]);
      this.colors = mapped(this.ramps, channels);
    }

    process(value) {
      return interpolated(value, this.stops, this.colors, olderRamps ? 0 : 0.5);
    }

    inverse() {
      const last = this.ramps.length - 1;
      return new ColorRampVisualizer(mapped(this.stops, (stop, i) => [stop, this.ramps[last - i]]));
    }

    static createWhiteGreen(minVal, maxVal) {
      return new ColorRampVisualizer(ascending(greenWhite), minVal, maxVal);
    }

    static createRedTemperature(minVal, maxVal) {
      return new ColorRampVisualizer(ascending(redTemperature), minVal, maxVal);
    }

    static createBlueRed(minVal, maxVal) {
      return new ColorRampVisualizer(ascending(blueRed), minVal, maxVal);
    }

    static createOceanColor(minVal, maxVal) {
      return new ColorRampVisualizer(oceanColor, minVal, maxVal);
    }
  }

  // The tables of gradients list inverted positions; ramps take values. The older ramps took the positions unchanged.
  function ascending(pairs) {
    const last = pairs.length - 1;
    return mapped(pairs, (pair, i) => [olderRamps ? pairs[last - i][0] : 1 - pair[0], pair[1]]);
  }

  class Stretch extends Visualizer {
    constructor(minVal = 0.0, maxVal = 1.0, gain = 1.0, offset = 0.0, gamma = 1.0) {
      super();
      this.min = minVal;
      this.max = maxVal;
      this.gain = gain;
      this.offset = offset;
      this.gamma = gamma;
    }

    stretched(value) {
      const linear = (this.gain * (value - this.min)) / (this.max - this.min) + this.offset;
      return this.gamma === 1 ? linear : pow(larger(0, linear), this.gamma);
    }
  }

  const HIGHLIGHT = 0.92;

  class HighlightCompressVisualizer extends Stretch {
    process(value) {
      let v = this.stretched(value);
      if (this.max > 0 && this.max < 1 && v > HIGHLIGHT) v = HIGHLIGHT + (v - HIGHLIGHT) * (0.08 / 1.08);
      return smaller(1, larger(0, v));
    }
  }

  class HighlightCompressVisualizerSingle extends HighlightCompressVisualizer {
    process(value) {
      return [super.process(value)];
    }
  }

  class DefaultVisualizer extends Stretch {
    process(value) {
      const v = this.stretched(value);
      return this.gamma === 1 ? smaller(1, larger(0, v)) : v;
    }
  }

  class Identity extends Visualizer {
    process(value) {
      return isArray(value) ? value : [value];
    }
  }

  // ---- what the script sees ------------------------------------------------------------------------------------

  const offered = {
    JAVA_DOUBLE_MAX_VAL: LARGEST,
    SampleType: choices("INT8", "UINT8", "INT16", "UINT16", "FLOAT32", "AUTO"),
    Mosaicking: choices("SIMPLE", "ORBIT", "TILE"),
    blueRed,
    redTemperature,
    greenWhite,
    oceanColor,
    index,
    inverse,
    int2rgb,
    rgb2int,
    normalizeRGB,
    combine,
    valueMap,
    valueInterpolate,
    colorBlend,
    colorMap,
    decodeL8C2Qa,
    decodeLs8Qa,
    decodeS3OLCIQualityFlags,
    ColorMapVisualizer,
    ColorGradientVisualizer,
    ColorRampVisualizer,
    HighlightCompressVisualizer,
    HighlightCompressVisualizerSingle,
    DefaultVisualizer,
    Identity,
  };
  for (const name of Object.keys(offered)) define(name, offered[name]);

  const silent = {};
  for (const name of ["assert", "count", "debug", "dir", "error", "group", "groupEnd", "info", "log", "table", "time"]) {
    silent[name] = function () {};
  }
  for (const name of ["timeEnd", "trace", "warn"]) silent[name] = function () {};
  define("console", silent);

  // The engine has its own timers; the service has none.
  for (const name of ["setTimeout", "clearTimeout", "__timer_manager"]) globalThis[name] = undefined;
})(OLDER_RAMPS);
__TimerManager = undefined;
//# sourceURL=prelude.js
