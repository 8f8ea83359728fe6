/* Keys made by ssh-keygen (OpenSSH 9.2) and openssl for these tests only; PEM texts and signatures (over
 * VECTOR_TIMESTAMP) made by Python's cryptography, as genuine SuperNodes make them. */
#pragma once

#define VECTOR_TIMESTAMP "2026-03-30T05:13:14.123456+00:00"
#define VECTOR_TIMESTAMP_USEC ((usec_t) 1774847594123456)

static const char p256_private[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
                                   "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS\n"
                                   "1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQT5qqquJ/+qtYsoDiz78gN6fTcfXcNq\n"
                                   "c8ns/z1ecRfoZzBNM7eGTN+Gc1WRzHT3Vu+qbsRtOoYQhrrAaP1RjCf2AAAAoNLwdeHS8H\n"
                                   "XhAAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPmqqq4n/6q1iygO\n"
                                   "LPvyA3p9Nx9dw2pzyez/PV5xF+hnME0zt4ZM34ZzVZHMdPdW76puxG06hhCGusBo/VGMJ/\n"
                                   "YAAAAgGi1RIcoLKp6o1AlULLTBNppoazQiUN+pk3KqnxRcz3kAAAAGc2l0ZSBhAQI=\n"
                                   "-----END OPENSSH PRIVATE KEY-----\n";

static const char p256_line[] =
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPmqqq4n/6q1"
        "iygOLPvyA3p9Nx9dw2pzyez/PV5xF+hnME0zt4ZM34ZzVZHMdPdW76puxG06hhCGusBo/VGMJ/Y= site a";

static const char p256_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                               "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+aqqrif/qrWLKA4s+/IDen03H13D\n"
                               "anPJ7P89XnEX6GcwTTO3hkzfhnNVkcx091bvqm7EbTqGEIa6wGj9UYwn9g==\n"
                               "-----END PUBLIC KEY-----\n";

static const char p256_signature[] =
        "3045022021574498c8df09552af0804f359eb12130916321257a4f6058361fec55abbf51022100e8471e"
        "24d73d8ce0bf9047dd593d4559b6d156ed432f15c0313a64d1adad94d3";

static const char p384_private[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
                                   "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAiAAAABNlY2RzYS\n"
                                   "1zaGEyLW5pc3RwMzg0AAAACG5pc3RwMzg0AAAAYQSOOiSaYGwFCehfwq+elvqlreCLFILL\n"
                                   "9asvU+eq1lArzFOKLYLBM2ga4TA9atOQ0XHTIxJwY+bEI9GQ+Qts6NNEkGARUO9wVczTgy\n"
                                   "NYwkpwDBEdA8ybSF3J0gUPyk+CctIAAADQCMRK/gjESv4AAAATZWNkc2Etc2hhMi1uaXN0\n"
                                   "cDM4NAAAAAhuaXN0cDM4NAAAAGEEjjokmmBsBQnoX8Kvnpb6pa3gixSCy/WrL1PnqtZQK8\n"
                                   "xTii2CwTNoGuEwPWrTkNFx0yMScGPmxCPRkPkLbOjTRJBgEVDvcFXM04MjWMJKcAwRHQPM\n"
                                   "m0hdydIFD8pPgnLSAAAAMQCSy+34TkTjP8uoyte+jWGJDgeW2DYLaXi4L5YKIfaJMJnoQ6\n"
                                   "YZda7nPkzYp4s1vMEAAAAAAQIDBAUGBw==\n"
                                   "-----END OPENSSH PRIVATE KEY-----\n";

static const char p384_line[] =
        "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBI46JJpgbAUJ"
        "6F/Cr56W+qWt4IsUgsv1qy9T56rWUCvMU4otgsEzaBrhMD1q05DRcdMjEnBj5sQj0ZD5C2zo00SQYBFQ73BV"
        "zNODI1jCSnAMER0DzJtIXcnSBQ/KT4Jy0g== ";

static const char p384_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                               "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEjjokmmBsBQnoX8Kvnpb6pa3gixSCy/Wr\n"
                               "L1PnqtZQK8xTii2CwTNoGuEwPWrTkNFx0yMScGPmxCPRkPkLbOjTRJBgEVDvcFXM\n"
                               "04MjWMJKcAwRHQPMm0hdydIFD8pPgnLS\n"
                               "-----END PUBLIC KEY-----\n";

static const char p384_signature[] =
        "306602310096a89f00af7d53faed0eec1bb22bae8457f882a359ba6812017475edbb91dfea778335b851"
        "d8d97fd9a1999109d0080a023100b979def397f60a8ba992307c074db706cfe471a91c363fcb9662227d"
        "9770d4877f61f6e135fad5dda95c8e41cb35ad06";

static const char p521_private[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
                                   "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAArAAAABNlY2RzYS\n"
                                   "1zaGEyLW5pc3RwNTIxAAAACG5pc3RwNTIxAAAAhQQAPfw/oM6RDz7FN3XE+Dp9NgMoRTSY\n"
                                   "VvucXm2D1ku/P6dd3bWsdKMhjDM6JGx8xN8s49ktpDgbOAVgbfiY8OKWCjYAxRL+W7f9c3\n"
                                   "vQaxgO5bNqLxXeZGkA6u57XNaG/q5DZXdSFLbgxsbtUwdaQbtQjzP4Yhfi091YzHcbyS6E\n"
                                   "eHzV66oAAAEIOfAMbjnwDG4AAAATZWNkc2Etc2hhMi1uaXN0cDUyMQAAAAhuaXN0cDUyMQ\n"
                                   "AAAIUEAD38P6DOkQ8+xTd1xPg6fTYDKEU0mFb7nF5tg9ZLvz+nXd21rHSjIYwzOiRsfMTf\n"
                                   "LOPZLaQ4GzgFYG34mPDilgo2AMUS/lu3/XN70GsYDuWzai8V3mRpAOrue1zWhv6uQ2V3Uh\n"
                                   "S24MbG7VMHWkG7UI8z+GIX4tPdWMx3G8kuhHh81euqAAAAQTM9ksDyEs9opFVdnq5e6Gk0\n"
                                   "kjzH0Wn04ggrG63BPSrulqH2xgKUAU61Gj+0WiNGv9jkXMrQ1enH3phvFDYxOn7sAAAAB2\n"
                                   "1lQGhvc3QBAgME\n"
                                   "-----END OPENSSH PRIVATE KEY-----\n";

static const char p521_line[] =
        "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAA9/D+gzpEP"
        "PsU3dcT4On02AyhFNJhW+5xebYPWS78/p13dtax0oyGMMzokbHzE3yzj2S2kOBs4BWBt+Jjw4pYKNgDFEv5b"
        "t/1ze9BrGA7ls2ovFd5kaQDq7ntc1ob+rkNld1IUtuDGxu1TB1pBu1CPM/hiF+LT3VjMdxvJLoR4fNXrqg=="
        " me@host";

static const char p521_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                               "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAPfw/oM6RDz7FN3XE+Dp9NgMoRTSY\n"
                               "VvucXm2D1ku/P6dd3bWsdKMhjDM6JGx8xN8s49ktpDgbOAVgbfiY8OKWCjYAxRL+\n"
                               "W7f9c3vQaxgO5bNqLxXeZGkA6u57XNaG/q5DZXdSFLbgxsbtUwdaQbtQjzP4Yhfi\n"
                               "091YzHcbyS6EeHzV66o=\n"
                               "-----END PUBLIC KEY-----\n";

static const char p521_signature[] =
        "3081870241707d9f1b75e6f9de868c0ab3c5ee09306f6b7a86e87cdae9a9a4ec5f96a11e2e58e797267a"
        "f866786ec8bf1326b4c8829bfd789d253e020327b08acea2190483b1024200bbc0d9878f7d54598d0aa5"
        "5ec5e70c3642dadcd3774e998d7dbaf45292650df14642fc1fc81bc0797c5a035eec00433a4da0066bb5"
        "c6b6549481122efa7a009a91";

static const char encrypted_private[] =
        "-----BEGIN OPENSSH PRIVATE KEY-----\n"
        "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABCfGQg75q\n"
        "8tXFCoulga8Ke9AAAAEAAAAAEAAACIAAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlz\n"
        "dHAzODQAAABhBEKj535LIDHFnDkZ4R7m9mIgAm+fStlSvGBHtWUhT17y6+wi6aMP0rQx22\n"
        "uEnIcfK05GFdNlCXnqJFeMYbHNxM6Iu0LGkGNhT9MWICUDb24+1Yjpb0oOCKo0mqge9ATM\n"
        "iAAAANAHGRIAHOfcHEAAJTEEx/AbYWElT/6zrOrC+77unz3g3v6ppzPQ8Hph3d05xMSf1v\n"
        "lWjPnEkruoqL8qRU3vlRMCBbD/ide4JbtRcatwLpdWQXgCNbB7IRa3G6jgX32xV4SEBF6O\n"
        "1aYEGAT03yHFlNZde6AE/yzw7RVXRnoZiLu8on3xyNRhooAqtU4lA2uPSp/2UKoidZ++Sg\n"
        "KMbeWshmU4m5nPvJjmJzUE2AdkfXGbQRua64Sd9MmsJsT1Ipff9/eiRsou0cQPL9qh1QpP\n"
        "wE0V\n"
        "-----END OPENSSH PRIVATE KEY-----\n";

static const char ed25519_private[] =
        "-----BEGIN OPENSSH PRIVATE KEY-----\n"
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
        "QyNTUxOQAAACCWB8N0Mzz+m2Vg0wq+IoxeYw/gg8PvtJn+/5uzZGGi4wAAAIgf3QOnH90D\n"
        "pwAAAAtzc2gtZWQyNTUxOQAAACCWB8N0Mzz+m2Vg0wq+IoxeYw/gg8PvtJn+/5uzZGGi4w\n"
        "AAAEBQRQpDT2JgFgNPq6mLSbUrN5vbWgesE8l9R0mIgDE/CJYHw3QzPP6bZWDTCr4ijF5j\n"
        "D+CDw++0mf7/m7NkYaLjAAAAAAECAwQF\n"
        "-----END OPENSSH PRIVATE KEY-----\n";

static const char ed25519_line[] =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJYHw3QzPP6bZWDTCr4ijF5jD+CDw++0mf7/m7NkYaLj";

static const char rsa_line[] =
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDgEC217GCOA+R+2yLeNjTdGT2X45ZXMLjskvgy30fBgYwV"
        "CFufWHcXHIM05HyuTcXVDwqvGCpHrtJpJNfTGJXZixc2n1tu7Ka08XTHJqpyuCtXvfiTkAU4hbFSRH1ce01g"
        "NmHAYrnr9z/cbqd/oUob4keVO1kAa1+GfL90ijeFYvsUccaVxMBSTvnuBbskTD0RLBU7hUmO738R/qMuPjoq"
        "QSxA+4Asrga9YbwxPbEinX45DGOrtasplbaSMU/jEXGd51A19YAjEa5B29rl+4flXS7vYt4aA40d8oNKwucR"
        "ylySd3u2t2GaXaQSvYBElrTzem1Fox2VacO0Ia9LUhsf";

static const char pkcs8_private[] = "-----BEGIN PRIVATE KEY-----\n"
                                    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDBVotehMfpgbXtyq42Q\n"
                                    "M/rQDTmNLEnHs2EMVVA7zrPijKwFIF0ceUzLTlCVa6BI8f+hZANiAASi+V+qHny8\n"
                                    "BTay5Y+9dmDQ2Kiy8jtnEmAsAak1/F51pk96tfdJNafnGZM2Q1/bhWbPmxEIU73O\n"
                                    "ZnrX+CfXr4tO5GLwNKJpqZGZ3XKRt/iNo2nuty0UEfBv/DgyGVsp02E=\n"
                                    "-----END PRIVATE KEY-----\n";

static const char sec1_private[] = "-----BEGIN EC PRIVATE KEY-----\n"
                                   "MIGkAgEBBDAKKf1MebsFzSZCGxg1JS+S+dvTvOVNba2Iiif3pfkXhFTGcgiqOIw/\n"
                                   "XVlPHO34W/qgBwYFK4EEACKhZANiAAQEM43hyXXLt8dqubVnfwcZ8Mq0n++qXZuz\n"
                                   "HQsA2ltiZXKg/ojqEuwgOaCBbn4uohFLct5GHimvbbcR+mdduopH7OS6r5/DRbJE\n"
                                   "B4GPyAWnLfYAEeVKhCRI2hLNVNQFvJs=\n"
                                   "-----END EC PRIVATE KEY-----\n";
