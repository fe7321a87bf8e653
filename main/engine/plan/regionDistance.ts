/** Kilometres between the metropolitan areas of two AWS regions; null where one of them isn't known. */
export function regionDistanceKm(a: string, b: string): number | null {
  if (a === b) return 0;
  const [from, to] = [places[a], places[b]];
  return from && to ? greatCircleKm(from, to) : null;
}

/** Up to here a region counts as next door: Tokyo–Seoul and Stockholm–Frankfurt are, at 15 to 35 ms; Virginia–Oregon (3,500 km, 60 ms and more) isn't. */
export const nextDoorKm = 1_250;

export const knownRegions = (): readonly string[] => Object.keys(places);

type Place = readonly [latitude: number, longitude: number];

/** The place that AWS names for each region (docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html), degrees of its city or the middle of its state's cluster. */
const places: Readonly<Record<string, Place>> = {
  'us-east-1': [39.0, -77.5],
  'us-east-2': [40.0, -83.0],
  'us-west-1': [37.4, -122.0],
  'us-west-2': [45.8, -119.7],
  'us-gov-east-1': [40.0, -83.0],
  'us-gov-west-1': [45.8, -119.7],
  'ca-central-1': [45.5, -73.6],
  'ca-west-1': [51.0, -114.1],
  'mx-central-1': [20.6, -100.4],
  'sa-east-1': [-23.5, -46.6],
  'eu-west-1': [53.3, -6.3],
  'eu-west-2': [51.5, -0.1],
  'eu-west-3': [48.9, 2.4],
  'eu-central-1': [50.1, 8.7],
  'eu-central-2': [47.4, 8.5],
  'eu-north-1': [59.3, 18.1],
  'eu-south-1': [45.5, 9.2],
  'eu-south-2': [41.6, -0.9],
  'af-south-1': [-33.9, 18.4],
  'me-south-1': [26.1, 50.6],
  'me-central-1': [25.0, 55.1],
  'il-central-1': [32.1, 34.8],
  'ap-south-1': [19.1, 72.9],
  'ap-south-2': [17.4, 78.5],
  'ap-east-1': [22.3, 114.2],
  'ap-east-2': [25.0, 121.5],
  'ap-northeast-1': [35.7, 139.7],
  'ap-northeast-2': [37.6, 127.0],
  'ap-northeast-3': [34.7, 135.5],
  'ap-southeast-1': [1.4, 103.8],
  'ap-southeast-2': [-33.9, 151.2],
  'ap-southeast-3': [-6.2, 106.8],
  'ap-southeast-4': [-37.8, 145.0],
  'ap-southeast-5': [3.1, 101.7],
  'ap-southeast-6': [-36.8, 174.8],
  'ap-southeast-7': [13.8, 100.5],
};

const earthKm = 6_371;
function greatCircleKm([latA, lonA]: Place, [latB, lonB]: Place): number {
  const rad = Math.PI / 180;
  const half = (degrees: number): number => Math.sin((degrees * rad) / 2) ** 2;
  const chord = half(latB - latA) + Math.cos(latA * rad) * Math.cos(latB * rad) * half(lonB - lonA);
  return 2 * earthKm * Math.asin(Math.min(1, Math.sqrt(chord)));
}
