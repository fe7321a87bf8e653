import { GiB } from './units.ts';

declare const unit: unique symbol;
type Unit<T extends string> = number & { readonly [unit]: T };

/** US dollars. */
export type Usd = Unit<'USD'>;
/** US dollars for each billed GB: only `priceOf` may multiply it, and never with bytes. */
export type UsdPerGb = Unit<'USD/GB'>;
export type UsdPerHour = Unit<'USD/h'>;
/** Gigabytes as S3 bills them: of 2^30 bytes (docs.aws.amazon.com/AmazonS3/latest/userguide/aws-usage-report-understand.html). */
export type BilledGb = Unit<'GB'>;

export const asUsd = (value: number): Usd => value as Usd;
export const asUsdPerGb = (value: number): UsdPerGb => value as UsdPerGb;
export const asUsdPerHour = (value: number): UsdPerHour => value as UsdPerHour;

export const billedGb = (bytes: number): BilledGb => (bytes / GiB) as BilledGb;
export const priceOf = (amount: BilledGb, price: UsdPerGb): Usd => (amount * price) as Usd;
export const worthOf = (seconds: number, worth: UsdPerHour): Usd => ((seconds / 3_600) * worth) as Usd;

/** `$0.0400`, `$12.34`: four decimals below a dollar, since a gigabyte costs cents. */
export function formatUsd(value: number): string {
  const digits = Math.abs(value) > 0 && Math.abs(value) < 1 ? 4 : 2;
  return `${value < 0 ? '-' : ''}$${Math.abs(value).toFixed(digits)}`;
}
