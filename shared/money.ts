/*
 * Money with its units in the types: a price per GB is multiplied with gigabytes, never with bytes. S3 bills binary gigabytes: 1 GB is 2^30 bytes
 * (https://aws.amazon.com/s3/faqs/, "How will I be charged").
 */
declare const unit: unique symbol;
type Measure<Name extends string> = number & { readonly [unit]: Name };

export type Usd = Measure<'USD'>;
/** 2^30 bytes. */
export type Gigabytes = Measure<'GB'>;
export type UsdPerGb = Measure<'USD/GB'>;
export type UsdPerGbMonth = Measure<'USD/GB-month'>;
export type UsdPerHour = Measure<'USD/h'>;
export type UsdPerRequest = Measure<'USD/request'>;
export type Months = Measure<'months'>;

const bytesPerGb = 1024 ** 3;

export const usd = (value: number): Usd => value as Usd;
export const usdPerGb = (value: number): UsdPerGb => value as UsdPerGb;
export const usdPerHour = (value: number): UsdPerHour => value as UsdPerHour;
export const usdPerGbMonth = (value: number): UsdPerGbMonth => value as UsdPerGbMonth;
/** As price lists say it: USD per 1,000 requests. */
export const usdPerThousand = (value: number): UsdPerRequest => (value / 1000) as UsdPerRequest;
export const months = (value: number): Months => value as Months;
/** S3's price lists count a month as 30 days where they speak of days. */
export const monthsOfDays = (days: number): Months => (days / 30) as Months;
export const gigabytes = (bytes: number): Gigabytes => (bytes / bytesPerGb) as Gigabytes;

export const forVolume = (volume: Gigabytes, price: UsdPerGb): Usd => (volume * price) as Usd;
export const forStorage = (volume: Gigabytes, price: UsdPerGbMonth, time: Months): Usd =>
  (volume * price * time) as Usd;
export const forRequests = (count: number, price: UsdPerRequest): Usd => (count * price) as Usd;
/** What time is worth. */
export const forTime = (seconds: number, worth: UsdPerHour): Usd => ((seconds / 3_600) * worth) as Usd;
export const sumUsd = (...amounts: readonly Usd[]): Usd => amounts.reduce<number>((sum, each) => sum + each, 0) as Usd;
export const minusUsd = (from: Usd, less: Usd): Usd => (from - less) as Usd;
/** null: nothing was moved, so nothing can be said per GB. */
export const perGb = (amount: Usd, volume: Gigabytes): UsdPerGb | null =>
  volume > 0 ? ((amount / volume) as UsdPerGb) : null;

/** `$12.34`; small amounts keep two telling digits: `$0.0042`; never `$0.00` for something. */
export function formatUsd(amount: number): string {
  const size = Math.abs(amount);
  const sign = amount < 0 ? '−' : '';
  if (size === 0) return '$0.00';
  if (size < 0.000_001) return `${sign}less than $0.000001`;
  const digits = size >= 0.1 ? 2 : Math.min(6, 1 - Math.floor(Math.log10(size)));
  const [whole = '0', cents = ''] = size.toFixed(digits).split('.');
  return `${sign}$${whole.replace(/\B(?=(?:\d{3})+$)/g, ',')}.${cents}`;
}
