"""Sends a job with the ModelTrainer of the SageMaker Python SDK, and prints the request as it goes out.

Reads a JSON object on stdin: baseJobName, sourceDir, entryScript, hyperparameters, channels (name to S3 URI),
instanceCount, isolated.
The source and the SDK's scripts are uploaded; CreateTrainingJob itself is printed in place of being sent.
"""
import json
import sys

import boto3
from sagemaker.core.helper.session_helper import Session
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, Networking, SourceCode


class HandedOver(BaseException):
    """Past every `except Exception` of the SDK."""


def hand_over(params, **_):
    print(params["body"].decode())
    raise HandedOver


asked = json.load(sys.stdin)
boto = boto3.Session()
session = Session(boto_session=boto, sagemaker_client=boto.client("sagemaker"))
trainer = ModelTrainer(
    sagemaker_session=session,
    role="arn:aws:iam::000000000000:role/training",
    training_image="optml-script-mode:latest",
    base_job_name=asked["baseJobName"],
    source_code=SourceCode(source_dir=asked["sourceDir"], entry_script=asked["entryScript"]),
    compute=Compute(instance_type="ml.m5.large", instance_count=asked["instanceCount"]),
    networking=Networking(enable_network_isolation=asked["isolated"]),
    hyperparameters=asked["hyperparameters"],
)
channels = [InputData(channel_name=name, data_source=uri) for name, uri in asked["channels"].items()]
boto.events.register("before-call.sagemaker.CreateTrainingJob", hand_over)
try:
    trainer.train(input_data_config=channels, wait=False, logs=False)
except HandedOver:
    pass
