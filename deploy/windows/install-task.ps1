#Requires -RunAsAdministrator
<#
.SYNOPSIS
Has valo-ingest start with Windows, as a scheduled task, and opens its ports in the firewall.

.DESCRIPTION
Needs nothing but what Windows has, and a Python that was installed for all users. The server runs as LOCAL SERVICE,
whoever is logged on; it is started again a minute after it failed. What it prints and logs, the access key among it,
is in valo-ingest.log in the data directory.

.EXAMPLE
.\install-task.ps1 -Checkout C:\valo-ingest

.EXAMPLE
.\install-task.ps1 -Remove
#>
[CmdletBinding()]
param(
    # Where the project is; `python scripts\serve` has been run there once, which made its environment.
    [string] $Checkout = (Resolve-Path "$PSScriptRoot\..\.."),
    # What the server keeps: journal, access key, certificate.
    [string] $DataDir = "$env:ProgramData\valo-ingest",
    # Further arguments of `valo-ingest serve`.
    [string] $Arguments = "",
    [int[]] $Ports = @(5100, 5200, 5101),
    # Takes the task and the firewall rule away again. The data stays.
    [switch] $Remove
)

$ErrorActionPreference = "Stop"
$name = "valo-ingest"

if (Get-ScheduledTask -TaskName $name -ErrorAction SilentlyContinue) {
    Stop-ScheduledTask -TaskName $name
    Unregister-ScheduledTask -TaskName $name -Confirm:$false
}
Get-NetFirewallRule -Name $name -ErrorAction SilentlyContinue | Remove-NetFirewallRule
if ($Remove) {
    Write-Output "The task and the firewall rule are removed. What was kept is in $DataDir."
    return
}

$program = Join-Path $Checkout ".venv\Scripts\valo-ingest.exe"
if (-not (Test-Path $program)) {
    throw "There is no $program. Run 'python scripts\serve' in $Checkout once, end it with Ctrl-C, and try again."
}
New-Item -ItemType Directory -Force -Path $DataDir | Out-Null
# LOCAL SERVICE (S-1-5-19) and administrators (S-1-5-32-544) only: an access key and a journal are in it.
icacls $DataDir /inheritance:r /grant:r "*S-1-5-19:(OI)(CI)M" "*S-1-5-32-544:(OI)(CI)F" | Out-Null
$log = Join-Path $DataDir "valo-ingest.log"

$command = "/d /s /c `"`"$program`" serve --lan `"$DataDir`" $Arguments >> `"$log`" 2>&1`""
$task = @{
    TaskName  = $name
    Action    = New-ScheduledTaskAction -Execute "$env:SystemRoot\System32\cmd.exe" -Argument $command -WorkingDirectory $DataDir
    Trigger   = New-ScheduledTaskTrigger -AtStartup
    Principal = New-ScheduledTaskPrincipal -UserId "NT AUTHORITY\LOCAL SERVICE" -LogonType ServiceAccount
    Settings  = New-ScheduledTaskSettingsSet -ExecutionTimeLimit ([TimeSpan]::Zero) -RestartCount 999 `
        -RestartInterval (New-TimeSpan -Minutes 1) -MultipleInstances IgnoreNew `
        -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -StartWhenAvailable
}
Register-ScheduledTask @task | Out-Null
New-NetFirewallRule -Name $name -DisplayName $name -Direction Inbound -Action Allow -Protocol TCP -LocalPort $Ports | Out-Null
Start-ScheduledTask -TaskName $name
Write-Output "valo-ingest runs, and starts with Windows. Its addresses and the access key are in $log."
