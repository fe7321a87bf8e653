declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** A folder pair: one local folder and the bucket prefix it is kept in. */
export type FolderId = Branded<number, 'FolderId'>;
/** A row of the ledger's file table; stable as long as the path is known. */
export type FileId = Branded<number, 'FileId'>;
/** A row of the ledger's upload table; not S3's upload id. */
export type UploadRowId = Branded<number, 'UploadRowId'>;
export type ScanId = Branded<number, 'ScanId'>;
export type IssueId = Branded<number, 'IssueId'>;
/** S3's own id of a multipart upload. */
export type S3UploadId = Branded<string, 'S3UploadId'>;
/** Relative to the folder's root, `/` between segments on every platform, no leading slash; `''` is the root itself. */
export type RelativePath = Branded<string, 'RelativePath'>;
/** An S3 object key, prefix included; at most 1,024 bytes of UTF-8. */
export type ObjectKey = Branded<string, 'ObjectKey'>;
/** Ours, random, in the object's metadata: tells our finished upload from anybody else's. */
export type UploadToken = Branded<string, 'UploadToken'>;

export const asFolderId = (value: number): FolderId => value as FolderId;
export const asFileId = (value: number): FileId => value as FileId;
export const asUploadRowId = (value: number): UploadRowId => value as UploadRowId;
export const asScanId = (value: number): ScanId => value as ScanId;
export const asIssueId = (value: number): IssueId => value as IssueId;
export const asS3UploadId = (value: string): S3UploadId => value as S3UploadId;
export const asRelativePath = (value: string): RelativePath => value as RelativePath;
export const asObjectKey = (value: string): ObjectKey => value as ObjectKey;
export const asUploadToken = (value: string): UploadToken => value as UploadToken;
