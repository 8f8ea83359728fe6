/* Ids of the messages that an administrator may have to act upon: 128 random bits each, made once
 * (systemd-id128 new), never used again for another meaning. The field MESSAGE_ID carries them, and the
 * journal catalogue has an entry for each. */
#pragma once

/* flwr-provision made or renewed the certificate of the SuperLink, perhaps with a new CA. */
#define FLWR_MESSAGE_SERVER_CERTIFICATE_MADE "4526c60689fd3661a8167ffa5514ec47"
/* flwr-provision found keys or certificates of the SuperLink that do not fit together, and left them. */
#define FLWR_MESSAGE_CERTIFICATE_REFUSED "527b7709d7ebbe954c85906d57c3cf1d"
/* The CA ends before a server certificate that would be made now. */
#define FLWR_MESSAGE_CA_ENDS_SOON "0eed31c56664c02c3458e4db94558769"
/* A change of the CA was prepared, or took place. */
#define FLWR_MESSAGE_CA_ROTATION "3257c6e95f41278b2c12371a59b9ce38"
/* flwr-provision made the key of a SuperNode. */
#define FLWR_MESSAGE_NODE_KEY_MADE "4f39ff16ecb19ee0c91efce7c11b9b32"
/* This machine is a copy of another one that had not joined yet: it got keys of its own. */
#define FLWR_MESSAGE_MACHINE_COPY_RENEWED "150a2ea5053adec21be04894f41d26b8"
/* This machine is a copy of a SuperLink that nodes have joined: keys kept, to be decided by a person. */
#define FLWR_MESSAGE_MACHINE_COPY_KEPT "5e72df40bcc0a00881c4e3ca7505095f"
/* This machine is a copy of a SuperNode that has joined: its SuperNode must not start. */
#define FLWR_MESSAGE_MACHINE_COPY_REFUSED "fe45f89014eef3b3cf2bd35b2e311c18"
/* An invitation was made on the SuperLink. */
#define FLWR_MESSAGE_INVITE_MADE "fa11a5b7b252b30fadfaf88437733bd9"
/* This host trusts a SuperLink now, and is known to it or waits for its operator. */
#define FLWR_MESSAGE_JOIN_DONE "5048554e177c9e75d813dea9824181d4"
/* A SuperLink did not prove that it is the one of the join string, or refused the invitation. */
#define FLWR_MESSAGE_JOIN_REFUSED "184cdcfda532299b9a500b83767be7b1"
/* The SuperLink registered the key of a node that came with an invitation. */
#define FLWR_MESSAGE_NODE_ENROLLED "708f274304381e829521473e0a8db7c8"
/* The SuperLink refused a node that came with an invitation. */
#define FLWR_MESSAGE_ENROL_REFUSED "29ff3727774045de917936a21dfd76c6"
/* The SuperLink serves. */
#define FLWR_MESSAGE_SUPERLINK_READY "8d420f02b355d47340e938b776ea76b1"
/* The SuperNode serves its apps and connects to its SuperLink. */
#define FLWR_MESSAGE_SUPERNODE_READY "e30978ce71afc634b131329276f096b4"
/* A daemon ends gracefully. */
#define FLWR_MESSAGE_STOPPING "65025e599f314646a8fc1a0054be88f6"
/* Certificates and key list were read again. */
#define FLWR_MESSAGE_RELOADED "ffbef143482b9cceb3c881a0a9ea63d7"
/* A reload found a mistake and changed nothing. */
#define FLWR_MESSAGE_RELOAD_REFUSED "812b6aa9c4117dd5e86135e616c115f5"
/* A node is online. */
#define FLWR_MESSAGE_NODE_ONLINE "be94015eb4c60c5efea6230f7b866e02"
/* A node has left, or has not been heard of for too long. */
#define FLWR_MESSAGE_NODE_OFFLINE "32f296fff92bbc6c6ed50aad242713f6"
/* This SuperNode is a member of the federation. */
#define FLWR_MESSAGE_NODE_JOINED "9e998b3319ec80d3774176a6c1885fc7"
/* The SuperLink does not accept this node. */
#define FLWR_MESSAGE_NODE_REFUSED "31fc342042133924ade8933db5528d1f"
/* A run's ServerApp is at work. */
#define FLWR_MESSAGE_RUN_STARTED "63a600df1216c66781844d1597203055"
/* A run has ended well, or was stopped by its user. */
#define FLWR_MESSAGE_RUN_FINISHED "806cbb49e75ddb637359896fa1dbe0e8"
/* A run has failed. */
#define FLWR_MESSAGE_RUN_FAILED "669d5e202487216af7a90b08135bc54f"
/* An app's process ended without having done its work. */
#define FLWR_MESSAGE_APP_ENDED "595c097ff98f46dbd7d47ba5f2a4db91"
/* The state cannot be written any more: the daemon ends. */
#define FLWR_MESSAGE_STATE_UNWRITABLE "d5e80d23691a7863fb5aacaf9963a21f"
/* A program does not start with the configuration or the flags that it was given. */
#define FLWR_MESSAGE_CONFIGURATION_REFUSED "158eba636bb240bbab2e211d83653984"
/* The SuperLink uses this certificate, until the day that is named. */
#define FLWR_MESSAGE_CERTIFICATE_LOADED "499cedb5218d469599cc969f4841db7a"
/* The certificate of the SuperLink has ended, or ends within days and nobody has renewed it. */
#define FLWR_MESSAGE_CERTIFICATE_ENDS_SOON "c71cc8abe2d847419fdcafbff82ee77a"
/* The key of a SuperNode cannot be used. */
#define FLWR_MESSAGE_KEY_REFUSED "aea5b52f88854093b7d0bb2a55b34615"
/* A private key can be read by everybody on this host. */
#define FLWR_MESSAGE_KEY_EXPOSED "abe86896c0744273b4a85deb9eee256f"
/* flwr-provision gave a key the owner, group and mode that it should have. */
#define FLWR_MESSAGE_KEY_ACCESS_MENDED "ee26b9edc56c411ea9ac728781725586"
/* A socket cannot be opened: most often another program has the port. */
#define FLWR_MESSAGE_SOCKET_REFUSED "9ee0f132c99e4256a6b5db081cc348a7"
/* The file system of the state is nearly full: no new work is taken. */
#define FLWR_MESSAGE_SPACE_LOW "0c3cf36e48c4419e99dcb0e12dac3b92"
/* There is space again: new work is taken. */
#define FLWR_MESSAGE_SPACE_ENOUGH "8d377e64cb0441a2b92e33f7efe4a6fe"
/* The key of a node was registered with the SuperLink. */
#define FLWR_MESSAGE_NODE_REGISTERED "9bce67fd29934817889dbc1a9cc62a31"
/* A launcher starts the process of an app. */
#define FLWR_MESSAGE_APP_STARTED "4f41d1f91e1046b184cbd1878003f5d7"
/* A person has decided that this machine goes on with the keys of the one that it is a copy of. */
#define FLWR_MESSAGE_MACHINE_COPY_ADOPTED "7276603a9dfe491faf9b150d1602c914"
/* A SuperNode does not trust the certificate of its SuperLink. */
#define FLWR_MESSAGE_SUPERLINK_UNTRUSTED "9f606ebce0b646db95ba6c16ff2338db"
/* A node whose key the SuperLink does not know was turned away. */
#define FLWR_MESSAGE_NODE_UNKNOWN "4ff2c337ec6b444aacb9eaafc2d393b7"
