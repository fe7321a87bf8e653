"""Uploads a folder with s3transfer: boto3Upload.py FOLDER ENDPOINT BUCKET PREFIX classic|crt PART_BYTES AT_ONCE [CA]

classic is boto3's upload_file. boto3's own way to the CRT forgets the endpoint and goes to AWS, so that crt takes s3transfer's manager itself, as the
AWS CLI does. Checksums are on, as they are by default; SHA-256 of payloads is off.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

folder, endpoint, bucket, prefix, client_kind, part_bytes, at_once = sys.argv[1:8]
ca = sys.argv[8] if len(sys.argv) > 8 else None
files = [os.path.join(base, name) for base, _, names in os.walk(folder) for name in names]


def key_of(path):
    return prefix + os.path.relpath(path, folder).replace(os.sep, "/")


def classic(part_bytes, at_once):
    import boto3
    from boto3.s3.transfer import TransferConfig
    from botocore.config import Config

    large = len(files) < 4
    config = Config(max_pool_connections=max(10, at_once), s3={"addressing_style": "path", "payload_signing_enabled": False})
    s3 = boto3.client("s3", endpoint_url=endpoint, verify=ca, config=config)
    transfer = TransferConfig(
        multipart_chunksize=part_bytes,
        multipart_threshold=64 << 20,
        max_concurrency=at_once if large else 1,
        use_threads=large,
        preferred_transfer_client="classic",
    )
    with ThreadPoolExecutor(1 if large else at_once) as pool:
        for _ in pool.map(lambda path: s3.upload_file(path, bucket, key_of(path), Config=transfer), files):
            pass


def crt(part_bytes):
    import botocore.session
    from s3transfer.crt import (
        BotocoreCRTCredentialsWrapper,
        BotocoreCRTRequestSerializer,
        CRTTransferManager,
        create_s3_crt_client,
    )

    session = botocore.session.get_session()
    region = os.environ["AWS_REGION"]
    client = create_s3_crt_client(
        region,
        crt_credentials_provider=BotocoreCRTCredentialsWrapper(session.get_credentials()).to_crt_credentials_provider(),
        part_size=part_bytes,
        use_ssl=endpoint.startswith("https:"),
        verify=ca,
        target_throughput=25e9 / 8,
    )
    serializer = BotocoreCRTRequestSerializer(session, {"region_name": region, "endpoint_url": endpoint})
    with CRTTransferManager(client, serializer) as manager:
        for future in [manager.upload(path, bucket, key_of(path)) for path in files]:
            future.result()


if client_kind == "classic":
    classic(int(part_bytes), int(at_once))
else:
    crt(int(part_bytes))
