import { aws, awsCrt } from './aws.ts';
import { boto3, boto3Crt } from './boto3.ts';
import { libStorage } from './libStorage.ts';
import { mc } from './mc.ts';
import { raw } from './raw.ts';
import { rclone, rcloneUnchecked } from './rclone.ts';
import { s5cmd } from './s5cmd.ts';
import { sluice } from './sluice.ts';
import type { Tool } from './tool.ts';

export const allTools: readonly Tool[] = [
  sluice,
  raw,
  mc,
  rclone,
  rcloneUnchecked,
  s5cmd,
  aws,
  awsCrt,
  boto3,
  boto3Crt,
  libStorage,
];
