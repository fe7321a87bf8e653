// Draws build/icon.png (the app) and build/tray/*.png (the tray's states): shapes as signed distances, antialiased, in a PNG
// encoder of a few lines. Run it after a change and look at the pictures: node scripts/icons.mjs
import { mkdirSync, writeFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';

// Distances in units of a 16 × 16 grid, negative inside.
const circle = (cx, cy, r) => (x, y) => Math.hypot(x - cx, y - cy) - r;
const ring = (cx, cy, r, width) => (x, y) => Math.abs(Math.hypot(x - cx, y - cy) - r) - width / 2;
const stroke =
  (width, ...points) =>
  (x, y) =>
    Math.min(...points.slice(1).map(([bx, by], i) => segment(x, y, points[i][0], points[i][1], bx, by))) - width / 2;
const box = (cx, cy, w, h, r) => (x, y) => {
  const [dx, dy] = [Math.abs(x - cx) - w / 2 + r, Math.abs(y - cy) - h / 2 + r];
  return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - r;
};
/** Convex, corners clockwise on the screen, edges rounded by `r`. */
const polygon =
  (r, ...points) =>
  (x, y) => {
    let inside = true;
    let nearest = Infinity;
    points.forEach(([ax, ay], i) => {
      const [bx, by] = points[(i + 1) % points.length];
      if ((bx - ax) * (y - ay) - (by - ay) * (x - ax) < 0) inside = false;
      nearest = Math.min(nearest, segment(x, y, ax, ay, bx, by));
    });
    return (inside ? -nearest : nearest) - r;
  };
const regular = (n, radius, r, turn) =>
  polygon(
    r,
    ...Array.from({ length: n }, (_, i) => {
      const angle = ((i + turn) / n) * 2 * Math.PI;
      return [8 + radius * Math.cos(angle), 8 + radius * Math.sin(angle)];
    }),
  );
const any =
  (...shapes) =>
  (x, y) =>
    Math.min(...shapes.map((shape) => shape(x, y)));
const cut =
  (shape, ...holes) =>
  (x, y) =>
    Math.max(shape(x, y), -any(...holes)(x, y));

function segment(x, y, ax, ay, bx, by) {
  const [dx, dy] = [bx - ax, by - ay];
  const t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

// Mid tones that stand out on a light and on a dark panel; the silhouette says the same without colour.
const states = {
  idle: { colour: [122, 132, 145], shape: ring(8, 8, 5.6, 1.8) },
  safe: {
    colour: [38, 158, 90],
    shape: cut(circle(8, 8, 7.2), stroke(1.9, [4.6, 8.3], [7.1, 10.7], [11.5, 5.7])),
  },
  uploading: {
    colour: [43, 126, 232],
    shape: any(stroke(2.2, [8, 2.6], [8, 10.6]), stroke(2.2, [3.9, 6.6], [8, 2.4], [12.1, 6.6]), box(8, 14, 13, 2, 1)),
  },
  paused: { colour: [122, 132, 145], shape: any(box(4.9, 8, 3.6, 12.6, 1), box(11.1, 8, 3.6, 12.6, 1)) },
  offline: {
    colour: [122, 132, 145],
    // a cloud, struck through
    shape: any(
      cut(
        any(circle(4.9, 9.4, 3.1), circle(8.7, 7, 3.9), circle(12, 9.7, 2.8), box(8.4, 11, 7.6, 3, 1.2)),
        stroke(3.6, [2, 14.6], [14.6, 2]),
      ),
      stroke(1.6, [2.3, 14.3], [13.9, 2.7]),
    ),
  },
  attention: {
    colour: [222, 138, 0],
    shape: cut(polygon(1.3, [8, 2], [14.4, 13.4], [1.6, 13.4]), stroke(1.9, [8, 6], [8, 9.6]), circle(8, 12.2, 1.1)),
  },
  error: {
    colour: [219, 55, 62],
    shape: cut(regular(8, 6.9, 0.7, 0.5), stroke(2, [5.5, 5.5], [10.5, 10.5]), stroke(2, [10.5, 5.5], [5.5, 10.5])),
  },
};

// The app: the mark of renderer/icon.svg, two waves.
const plate = box(8, 8, 14.6, 14.6, 3.6);
const wave = (middle) =>
  stroke(
    1.25,
    ...Array.from({ length: 49 }, (_, i) => {
      const x = 3.6 + (i / 48) * 8.8;
      return [x, middle - 0.6 * Math.cos(((x - 3.6) / 5.87) * 2 * Math.PI)];
    }),
  );
const layers = [
  { shape: plate, colour: (_x, y) => mix([17, 130, 178], [8, 86, 121], (y - 1) / 14) },
  { shape: any(wave(6.45), wave(9.75)), colour: () => [255, 255, 255] },
];

const mix = (a, b, t) => a.map((value, i) => value + (b[i] - value) * Math.min(1, Math.max(0, t)));

/** Straight-alpha RGBA, `paint(x, y, pixel)` in grid units; `pixel` is a pixel's width in them. */
function draw(size, paint) {
  const samples = size > 256 ? 1 : 4;
  const pixels = Buffer.alloc(size * size * 4);
  const unit = 16 / size;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const sum = [0, 0, 0, 0];
      for (let i = 0; i < samples * samples; i++) {
        const x = (column + ((i % samples) + 0.5) / samples) * unit;
        const y = (row + (Math.floor(i / samples) + 0.5) / samples) * unit;
        const [r, g, b, a] = paint(x, y, unit / samples);
        sum[0] += r * a;
        sum[1] += g * a;
        sum[2] += b * a;
        sum[3] += a;
      }
      const at = (row * size + column) * 4;
      for (let i = 0; i < 3; i++) pixels[at + i] = sum[3] === 0 ? 0 : Math.round(sum[i] / sum[3]);
      pixels[at + 3] = Math.round((sum[3] / samples ** 2) * 255);
    }
  }
  return png(size, pixels);
}

const coverage = (distance, pixel) => Math.min(1, Math.max(0, 0.5 - distance / pixel));

function png(size, pixels) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 6, 0, 0, 0], 8);
  const rows = Buffer.alloc(size * (size * 4 + 1));
  for (let row = 0; row < size; row++)
    pixels.copy(rows, row * (size * 4 + 1) + 1, row * size * 4, (row + 1) * size * 4);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type, data) {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

const build = new URL('../build/', import.meta.url);
mkdirSync(new URL('tray/', build), { recursive: true });
for (const [name, { shape, colour }] of Object.entries(states)) {
  const paint = (ink) => (x, y, pixel) => [...ink, coverage(shape(x, y), pixel)];
  const write = (file, size, ink) => writeFileSync(new URL(`tray/${file}`, build), draw(size, paint(ink)));
  write(`${name}.png`, 16, colour);
  write(`${name}@2x.png`, 32, colour);
  write(`${name}-32.png`, 32, colour);
  write(`${name}Template.png`, 16, [0, 0, 0]);
  write(`${name}Template@2x.png`, 32, [0, 0, 0]);
}
const app = (x, y, pixel) => {
  let [red, green, blue] = [0, 0, 0];
  for (const { shape, colour } of layers) {
    [red, green, blue] = mix([red, green, blue], colour(x, y), coverage(shape(x, y), pixel));
  }
  // the plate's edge is the only transparent one
  const [r, g, b] = coverage(plate(x, y), pixel) < 1 ? layers[0].colour(x, y) : [red, green, blue];
  return [r, g, b, coverage(plate(x, y), pixel)];
};
writeFileSync(new URL('icon.png', build), draw(1024, app));
